<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:param name="office"/>
  <xsl:template match="/manifest">
    <declaration office="{$office}" ship="{@ship}" weight="{sum(item/@kg)}">
      <xsl:for-each select="item">
        <xsl:sort select="@goods"/>
        <position><xsl:value-of select="@goods"/></position>
      </xsl:for-each>
    </declaration>
  </xsl:template>
</xsl:stylesheet>

namespace Sluice.Topologies;

/// <summary>The colours of <see cref="Topology.ToSvg"/>.</summary>
public enum SvgTheme
{
    /// <summary>Light, or dark where the reader's system prefers that (<c>prefers-color-scheme</c>).</summary>
    Auto,

    /// <summary>Dark lines on a light page.</summary>
    Light,

    /// <summary>Light lines on a dark page.</summary>
    Dark,

    /// <summary>
    /// No colours and no <c>style</c> element: the style sheet of the page that embeds the drawing sets them, by the classes
    /// <c>node</c>, <c>edge</c>, <c>arrow</c>, <c>name</c>, <c>detail</c>, <c>label</c>, <c>port</c>, and <c>critical</c>, <c>source</c>
    /// and <c>sink</c> beside <c>node</c>.
    /// </summary>
    None,
}

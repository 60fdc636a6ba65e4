namespace Sluice.Topologies;

/// <summary>The style sheet inside an SVG. Plain rules: not every viewer knows variables.</summary>
internal static class SvgStyle
{
    private const string Shapes = """
        text{font-family:Helvetica,Arial,sans-serif;font-size:11px}
        .name{font-size:13px;font-weight:600}
        .edge{fill:none;stroke-width:1.5}
        .critical .box,.edge.critical{stroke-width:2.5}
        """;

    private static readonly string Light = Colours("#1f2933", "#52606d", "#ffffff", "#7b8794", "#c62828", "#1b7f4b", "#2458a8");
    private static readonly string Dark = Colours("#f0f4f8", "#b3bfcc", "#1f2933", "#8a99a8", "#ff8a80", "#63d29b", "#8db8f5");

    /// <summary>Returns the rules; null for none.</summary>
    public static string? Of(SvgTheme theme) => theme switch
    {
        SvgTheme.Auto => $"{Shapes}\n{Light}\n@media (prefers-color-scheme:dark){{\n{Dark}\n}}",
        SvgTheme.Light => $"{Shapes}\n{Light}",
        SvgTheme.Dark => $"{Shapes}\n{Dark}",
        SvgTheme.None => null,
        _ => throw new ArgumentOutOfRangeException(nameof(theme), theme, "There is no such theme: see SvgTheme."),
    };

    private static string Colours(string ink, string faint, string box, string line, string critical, string source, string sink) => $$"""
        .name,.label{fill:{{ink}}}
        .detail,.port{fill:{{faint}}}
        .box{fill:{{box}};stroke:{{line}}}
        .edge{stroke:{{line}}}
        .arrow{fill:{{line}}}
        .source .box{stroke:{{source}}}
        .sink .box{stroke:{{sink}}}
        .critical .box,.edge.critical{stroke:{{critical}}}
        .arrow.critical{fill:{{critical}}}
        """;
}

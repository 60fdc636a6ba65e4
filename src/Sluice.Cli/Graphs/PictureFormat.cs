namespace Sluice.Cli.Graphs;

/// <summary>The option <c>--format</c> of the commands that draw.</summary>
internal static class PictureFormat
{
    /// <summary>The default: lines of text.</summary>
    public const string Text = "text";

    public static Option<string> Option { get; } = new("--format")
    {
        HelpName = "FORM",
        Description = "The form of the picture: text, mermaid, dot or svg.",
        DefaultValueFactory = _ => Text,
        CompletionSources = { Text, "mermaid", "dot", "svg" }
    };

    /// <summary>The form that the user wants.</summary>
    /// <exception cref="CommandException">There is no such form.</exception>
    public static string Of(CommandRun command) => command.Value(Option) is (Text or "mermaid" or "dot" or "svg") and var format
        ? format
        : throw CommandException.Usage($"--format is text, mermaid, dot or svg, not '{command.Value(Option)}'.");

    /// <summary>Draws a topology, or a run of a flow, which has the same methods.</summary>
    public static void Write(Screen screen, dynamic drawn, string format)
    {
        string drawing = format switch
        {
            "mermaid" => drawn.ToMermaid(),
            "dot" => drawn.ToDot(),
            "svg" => drawn.ToSvg(),
            _ => drawn.ToText(),
        };
        // The drawing has line breaks of its own; the names in it may have anything.
        foreach (string line in drawing.TrimEnd('\n').Split('\n')) screen.Line(Clean.Text(line));
    }
}

using Sluice.Cli.Output;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Sluice.Cli.Commands;

/// <summary>The screen of <c>sluice top</c>: the last rows, and since when the store does not answer.</summary>
internal sealed class TopBoard(string[] headers, string title, IReadOnlyList<TopRow> first)
{
    private const int MaxCell = 60, MaxProblem = 300;

    private IReadOnlyList<TopRow> rows = first;
    private DateTimeOffset shown = TimeProvider.System.GetUtcNow();
    private string? problem;

    /// <summary>A look has succeeded.</summary>
    public void Show(IReadOnlyList<TopRow> found) => (rows, shown, problem) = (found, TimeProvider.System.GetUtcNow(), null);

    /// <summary>A look lasts.</summary>
    public void Wait() => problem ??= "The store has not answered yet.";

    /// <summary>A look has failed; another one follows.</summary>
    public void Fail(string message) => problem = message;

    public Table Draw()
    {
        var table = new Table { Border = TableBorder.None, Title = new(Markup.Escape($"{Clean.Text(title)}   Ctrl+C ends")) };
        foreach (string header in headers)
        {
            var column = new TableColumn(new Text(header.TrimStart('>'), new Style(decoration: Decoration.Bold)))
            {
                Padding = new(0, 0, 1, 0)
            };
            // On a narrow screen only names and notes wrap.
            table.AddColumn(header.StartsWith('>') ? column.RightAligned().NoWrap() : column);
        }
        foreach (TopRow row in rows)
            table.AddRow(row.Cells().Select(cell => (IRenderable)new Text(Clean.Text(cell, MaxCell),
                row.Note is null ? Style.Plain : new Style(Color.Red))));
        if (problem is not null)
            table.Caption = new(Markup.Escape($"as of {Clean.Time(shown)}, sluice tries again: {Clean.Text(problem, MaxProblem)}"),
                new Style(Color.Red));
        return table;
    }
}

using Spectre.Console;
using Spectre.Console.Rendering;

namespace Sluice.Cli.Commands;

/// <summary>The screen of <c>sluice top</c>: the last rows, and since when the store does not answer.</summary>
internal sealed class TopBoard(string[] headers, string title, IReadOnlyList<TopRow> first)
{
    private const int MaxCell = 60, MaxProblem = 300, MinText = 8;

    // The least important first: columns that a narrow screen has no room for.
    private static readonly string[] Spared = [">OWNERS", ">WAITING", ">FLIGHT", ">IN/S", ">OLDEST", ">DONE/S", "NOTE", ">DEAD"];

    private IReadOnlyList<TopRow> rows = first;
    private DateTimeOffset shown = TimeProvider.System.GetUtcNow();
    private string? problem;

    /// <summary>A look has succeeded.</summary>
    public void Show(IReadOnlyList<TopRow> found) => (rows, shown, problem) = (found, TimeProvider.System.GetUtcNow(), null);

    /// <summary>A look lasts.</summary>
    public void Wait() => problem ??= "The store has not answered yet.";

    /// <summary>A look has failed; another one follows.</summary>
    public void Fail(string message) => problem = message;

    /// <param name="width">The columns of the screen.</param>
    public Table Draw(int width)
    {
        string[][] cells = [.. rows.Select(static row => row.Cells().Select(static cell => Clean.Text(cell, MaxCell)).ToArray())];
        int[] chosen = Choose(cells, width);
        var table = new Table { Border = TableBorder.None, Title = new(Markup.Escape($"{Clean.Text(title)}   Ctrl+C ends")) };
        foreach (string header in chosen.Select(i => headers[i]))
        {
            var column = new TableColumn(new Text(header.TrimStart('>'), new Style(decoration: Decoration.Bold)))
            {
                Padding = new(0, 0, 1, 0)
            };
            // On a narrow screen only names and notes wrap.
            table.AddColumn(header.StartsWith('>') ? column.RightAligned().NoWrap() : column);
        }
        foreach ((TopRow row, string[] texts) in rows.Zip(cells))
            table.AddRow(chosen.Select(i => (IRenderable)new Text(texts[i], row.Note is null ? Style.Plain : new Style(Color.Red))));
        if (problem is not null)
            table.Caption = new(Markup.Escape($"as of {Clean.Time(shown)}, sluice tries again: {Clean.Text(problem, MaxProblem)}"),
                new Style(Color.Red));
        return table;
    }

    // The library draws nothing of a table whose columns do not fit.
    private int[] Choose(string[][] cells, int width)
    {
        List<int> chosen = [.. Enumerable.Range(0, headers.Length)];
        foreach (string least in Spared)
        {
            if (chosen.Sum(Needs) <= width) break;
            chosen.Remove(Array.IndexOf(headers, least));
        }
        return [.. chosen];

        int Needs(int i) => 1 + (headers[i].StartsWith('>')
            ? Math.Max(headers[i].Length - 1, cells.Select(row => row[i].GetCellWidth()).DefaultIfEmpty().Max()) : MinText);
    }
}

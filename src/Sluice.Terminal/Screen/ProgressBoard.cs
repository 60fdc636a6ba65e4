using System.Runtime.CompilerServices;
using Spectre.Console;

namespace Sluice.Progress.Screen;

/// <summary>The lower end of a terminal, where the displays of a program are drawn below each other.</summary>
/// <remarks>
/// Thread-safe: the lock guards the displays and each write. Everything that a display or the program writes goes through it, so a picture
/// and a line never mix. A terminal that is gone ends the drawing, and not the program.
/// </remarks>
internal sealed class ProgressBoard(IAnsiConsole console, LinesAbove.Hook? hook = null)
{
    private static readonly Lazy<ProgressBoard?> OfStandardError = new(StandardError.Board);
    private static readonly ConditionalWeakTable<IAnsiConsole, ProgressBoard> Boards = [];

    private readonly Lock gate = new();
    private readonly List<(object Owner, Func<int, IReadOnlyList<BoardLine>>? Picture)> shown = [];
    private IReadOnlyList<BoardLine> drawn = [];
    private bool isGone;

    /// <summary>The board of a console; null if it is no terminal.</summary>
    public static ProgressBoard? Of(IAnsiConsole? console)
    {
        if (console is null) return OfStandardError.Value;
        if (!console.Profile.Out.IsTerminal || !console.Profile.Capabilities.Ansi) return null;
        return Boards.GetValue(console, static one => new(one));
    }

    /// <summary>Adds a display, below those that are shown.</summary>
    public void Begin(object owner)
    {
        lock (gate)
        {
            if (shown.Count == 0) hook?.Install(this);
            shown.Add((owner, null));
        }
    }

    public void Update(object owner, Func<int, IReadOnlyList<BoardLine>> picture)
    {
        lock (gate)
        {
            int index = shown.FindIndex(one => ReferenceEquals(one.Owner, owner));
            if (index < 0) return;
            shown[index] = (owner, picture);
            Draw("");
        }
    }

    /// <summary>Removes a display. Its last picture stays above those that go on.</summary>
    public void End(object owner, Func<int, IReadOnlyList<BoardLine>> picture)
    {
        lock (gate)
        {
            shown.RemoveAll(one => ReferenceEquals(one.Owner, owner));
            string rest = shown.Count == 0 ? hook?.Remove() ?? "" : "";
            Draw(rest, picture(Width));
        }
    }

    /// <summary>Writes lines of the program above the displays.</summary>
    public void Print(string lines)
    {
        lock (gate) Draw(lines);
    }

    // A line that is as wide as the terminal would leave the cursor in the next one on some terminals.
    private int Width => Math.Max(1, console.Profile.Width - 1);

    private void Draw(string above, IReadOnlyList<BoardLine>? last = null)
    {
        if (isGone) return;
        int width = Width;
        List<BoardLine> lines = [.. shown.SelectMany(one => one.Picture?.Invoke(width) ?? [])];
        int room = Math.Max(1, console.Profile.Height - 1);
        if (lines.Count > room)
        {
            int hidden = lines.Count - room + 1;
            lines.RemoveRange(room - 1, hidden);
            lines.Add(BoardLine.Of($"… and {hidden} more lines", width, BoardStyle.Head));
        }
        // A terminal that has become narrower has wrapped the lines.
        int rows = drawn.Sum(line => Math.Max(1, (line.Text.GetCellWidth() + width) / (width + 1)));
        try
        {
            console.Write(new BoardChange(rows, above, last is null ? lines : [.. last, .. lines]));
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            isGone = true;                           // the terminal or its writer was closed: there is no place for a message
        }
        drawn = lines;
    }
}

using System.Runtime.CompilerServices;
using System.Text;
using Spectre.Console;

namespace Sluice.Progress.Screen;

/// <summary>The lower end of a terminal, where the displays of a program are drawn below each other.</summary>
/// <remarks>
/// <para>
/// Thread-safe: the lock guards the displays and each write. Everything that a display or the program writes goes through it, so a picture
/// and a line never mix. A terminal that is gone ends the drawing, and not the program.
/// </para>
/// <para>
/// The order of locks is: a writer of <see cref="Console"/>, the board, a <see cref="LinesAbove"/>. A program that writes a line holds the
/// lock of its writer when it comes to the board. So nothing may take the lock of such a writer while it holds the lock of the board. On
/// Unix, <see cref="Console"/> locks <see cref="Console.Out"/> even for a write to standard error and for the size of the terminal;
/// therefore <see cref="StandardError"/> writes to the terminal and asks it without <see cref="Console"/>.
/// </para>
/// </remarks>
internal sealed class ProgressBoard(IAnsiConsole console, LinesAbove.Hook? hook = null, TimeProvider? time = null)
{
    private const int MaxCollected = 16_384;         // characters: a program that prints faster waits for the terminal

    private static readonly TimeSpan PrintInterval = TimeSpan.FromMilliseconds(50), LeaveTimeout = TimeSpan.FromSeconds(1);
    private static readonly Lazy<ProgressBoard?> OfStandardError = new(StandardError.Board);
    private static readonly ConditionalWeakTable<IAnsiConsole, ProgressBoard> Boards = [];

    private readonly Lock gate = new();
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private readonly List<(object Owner, Func<int, IReadOnlyList<BoardLine>>? Picture)> shown = [];
    private readonly StringBuilder collected = new();                  // lines of the program that are not yet written
    private IReadOnlyList<BoardLine> drawn = [];
    private long drawnAt;
    private ITimer? timer;
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
            if (shown.Count == 0 && !isGone) hook?.Install(this);
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
            Draw();
        }
    }

    /// <summary>Removes a display. Its last picture stays above those that go on.</summary>
    public void End(object owner, Func<int, IReadOnlyList<BoardLine>> picture)
    {
        lock (gate)
        {
            shown.RemoveAll(one => ReferenceEquals(one.Owner, owner));
            if (shown.Count == 0) collected.Append(hook?.Remove());
            Draw(picture);
        }
    }

    /// <summary>
    /// Writes lines of the program above the displays: at once, or with others some milliseconds later, because each time costs a picture.
    /// </summary>
    public void Print(string lines)
    {
        lock (gate)
        {
            collected.Append(lines);
            TimeSpan left = PrintInterval - time.GetElapsedTime(drawnAt);
            if (shown.Count == 0 || collected.Length >= MaxCollected || left <= TimeSpan.Zero)
            {
                Draw();
                return;
            }
            timer ??= time.CreateTimer(_ => DrawCollected(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            if (collected.Length == lines.Length) timer.Change(left, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The process ends: writes what is left of the program's output, and lets later output pass.</summary>
    public void Leave()
    {
        // A thread may stand in a write to a terminal that takes nothing: the process ends nevertheless.
        if (!gate.TryEnter(LeaveTimeout)) return;
        try
        {
            collected.Append(hook?.Remove());
            if (collected.Length > 0) Draw();
            isGone = true;
        }
        finally
        {
            gate.Exit();
        }
    }

    // A line that is as wide as the terminal would leave the cursor in the next one on some terminals.
    private int Width => Math.Max(1, console.Profile.Width - 1);

    private void DrawCollected()
    {
        lock (gate)
            if (collected.Length > 0) Draw();
    }

    private void Draw(Func<int, IReadOnlyList<BoardLine>>? last = null)
    {
        string above = collected.ToString();
        collected.Clear();
        if (isGone) return;
        // A failure must not reach the program, which may only write a line.
        try
        {
            int width = Width;
            List<BoardLine> lines = [.. shown.SelectMany(one => LinesOf(one.Picture, width))];
            int room = Math.Max(1, console.Profile.Height - 1);
            if (lines.Count > room)
            {
                int hidden = lines.Count - room + 1;
                lines.RemoveRange(room - 1, hidden);
                lines.Add(BoardLine.Of($"… and {hidden} more lines", width, BoardStyle.Head));
            }
            // A terminal that has become narrower has wrapped the lines.
            int rows = drawn.Sum(line => Math.Max(1, (line.Text.GetCellWidth() + width) / (width + 1)));
            console.Write(new BoardChange(rows, above, [.. LinesOf(last, width), .. lines]));
            drawn = lines;
        }
        catch (Exception)
        {
            isGone = true;                           // the terminal or its writer was closed: there is no place for a message
            hook?.Remove();
        }
        drawnAt = time.GetTimestamp();
    }

    private static IReadOnlyList<BoardLine> LinesOf(Func<int, IReadOnlyList<BoardLine>>? picture, int width)
    {
        try
        {
            return picture?.Invoke(width) ?? [];
        }
        catch (Exception failed)
        {
            return [BoardLine.Of($"This display cannot be drawn: {failed.Message}", width, BoardStyle.Problem)];
        }
    }
}

using System.Runtime.CompilerServices;
using System.Text;
using Spectre.Console;

namespace Sluice.Progress.Screen;

/// <summary>The lower end of a terminal, where the displays of a program are drawn below each other.</summary>
/// <remarks>
/// <para>
/// Thread-safe: the lock guards the displays, the <see cref="LinesAbove"/>, and each write. Everything that a display or the program writes
/// goes through it, so a picture and a line never mix. A terminal that is gone ends the drawing, and not the program.
/// </para>
/// <para>
/// The order of locks is: a writer of <see cref="Console"/>, the board. A program that writes a line holds the lock of its writer when it
/// comes to the board. So nothing may take the lock of such a writer while it holds the lock of the board. On Unix, <see cref="Console"/>
/// locks <see cref="Console.Out"/> even for a write to standard error and for the size of the terminal; therefore
/// <see cref="StandardError"/> writes to the terminal and asks it without <see cref="Console"/>.
/// </para>
/// <para>
/// The same lock orders the writers of <see cref="Console"/>: a writer that the program took before the display locks the present
/// <see cref="Console.Out"/>, a <see cref="LinesAbove"/>. So a <see cref="LinesAbove"/> may not wait for such a writer, also not at its end
/// and later: what it gets goes to the terminal by the board. When the terminal has failed, the thread pool writes its texts to the writer
/// before (<see cref="DeferredTexts"/>).
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
    private readonly HashSet<LinesAbove> kept = [];                    // writers of earlier displays whose line may not be complete
    private readonly DeferredTexts deferred = new();                   // what a terminal that has failed does not take
    private TextWriter? before;                      // the console's writer that gets them; null before the first one is known
    private int[] drawn = [];                        // the cells of each line of the picture
    private long drawnAt;
    private ITimer? timer;
    private bool isLeft;                             // the process ends: nothing is drawn any more
    private bool isGone;                             // the terminal has failed: nothing is written to it any more

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
            if (shown.Count == 0 && !isGone && !isLeft) before = hook?.Install(this) ?? before;
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
            if (shown.Count == 0) EndLines();
            Draw(picture);
            if (shown.Count == 0) hook?.PutBack();
        }
    }

    /// <summary>
    /// Writes lines of the program above the displays: at once, or with others some milliseconds later, because each time costs a picture.
    /// </summary>
    public void Print(string lines)
    {
        lock (gate) Collect(lines);
    }

    /// <summary>Writes what the program has given to a writer of the console.</summary>
    public void Write(LinesAbove writer, ReadOnlySpan<char> text)
    {
        lock (gate)
        {
            before ??= writer.Original;
            if (isGone)
            {
                deferred.Add(writer.Original, text.ToString());
            }
            else if (writer.IsOver && (shown.Count == 0 || isLeft))
            {
                Collect(text.ToString());
            }
            else
            {
                if (writer.IsOver) kept.Add(writer);             // a later display follows: its picture stands below complete lines only
                if (writer.Add(text) is { Length: > 0 } lines) Collect(lines);
            }
        }
    }

    /// <summary>The process ends: writes what is left of the program's output, and lets later output pass.</summary>
    public void Leave()
    {
        // A thread may stand in a write to a terminal that takes nothing: the process ends nevertheless.
        if (!gate.TryEnter(LeaveTimeout)) return;
        try
        {
            EndLines();
            if (collected.Length > 0) Draw();
            isLeft = true;
            hook?.PutBack();
        }
        finally
        {
            gate.Exit();
        }
    }

    // A line that is as wide as the terminal would leave the cursor in the next one on some terminals.
    private int Width => Math.Max(1, console.Profile.Width - 1);

    private void Collect(string lines)
    {
        collected.Append(lines);
        TimeSpan left = PrintInterval - time.GetElapsedTime(drawnAt);
        if (shown.Count == 0 || isLeft || isGone || collected.Length >= MaxCollected || left <= TimeSpan.Zero)
        {
            Draw();
            return;
        }
        timer ??= time.CreateTimer(_ => DrawCollected(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (collected.Length == lines.Length) timer.Change(left, Timeout.InfiniteTimeSpan);
    }

    private void DrawCollected()
    {
        lock (gate)
            if (collected.Length > 0) Draw();
    }

    // Before the last picture, and the console's writers come back behind it: what other threads write meanwhile waits for the lock. If
    // they wrote to the terminal themselves, their lines would stand below the old picture, and be erased with it.
    private void EndLines()
    {
        collected.Append(hook?.End());
        foreach (LinesAbove writer in kept)
            if (writer.End() is { Length: > 0 } rest) collected.AppendLine(rest);
        kept.Clear();
    }

    // A failure must not reach the program, which may only write a line. What the terminal has not taken stays collected.
    private void Draw(Func<int, IReadOnlyList<BoardLine>>? last = null)
    {
        try
        {
            if (isGone) Abandon();
            else if (isLeft) Change(0, []);
            else DrawPicture(last);
        }
        catch (Exception failed) when (IsOfTerminal(failed))
        {
            Abandon();                               // the terminal or its writer was closed
        }
        catch (Exception)
        {
            // For example no memory: the next picture writes it.
        }
        drawnAt = time.GetTimestamp();
    }

    private void DrawPicture(Func<int, IReadOnlyList<BoardLine>>? last)
    {
        int width = Width;
        // A terminal that has become narrower has wrapped the lines.
        int rows = drawn.Sum(cells => Math.Max(1, (cells + width) / (width + 1)));
        int[] cells;
        try
        {
            List<BoardLine> lines = [.. shown.SelectMany(one => LinesOf(one.Picture, width))];
            int room = Math.Max(1, console.Profile.Height - 1);
            if (lines.Count > room)
            {
                int hidden = lines.Count - room + 1;
                lines.RemoveRange(room - 1, hidden);
                lines.Add(BoardLine.Of($"… and {hidden} more lines", width, BoardStyle.Head));
            }
            cells = CellsOf(lines);
            Change(rows, [.. LinesOf(last, width), .. lines]);
        }
        catch (Exception failed) when (!IsOfTerminal(failed))
        {
            // Spectre.Console cannot measure the picture. It writes nothing then.
            List<BoardLine> lines = [BoardLine.Of($"The displays cannot be drawn ({failed.GetType().Name}).", width, BoardStyle.Problem)];
            cells = shown.Count == 0 ? [] : CellsOf(lines);
            Change(rows, lines);
        }
        drawn = cells;
    }

    private static int[] CellsOf(List<BoardLine> lines) => [.. lines.Select(static line => line.Text.GetCellWidth())];

    private void Change(int erasedRows, List<BoardLine> lines)
    {
        if (erasedRows > 0 || lines.Count > 0) console.Write(new BoardChange(erasedRows, collected.ToString(), lines));
        else if (collected.Length > 0)
        {
            // The program may have written a part of the line before.
            console.Profile.Out.Writer.Write(collected.ToString());
            console.Profile.Out.Writer.Flush();
        }
        collected.Clear();
    }

    private void Abandon()
    {
        isGone = true;
        EndLines();
        if (collected.Length > 0 && before is not null) deferred.Add(before, collected.ToString());
        collected.Clear();
        hook?.PutBack();
    }

    private static bool IsOfTerminal(Exception failed) => failed is IOException or ObjectDisposedException or UnauthorizedAccessException;

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

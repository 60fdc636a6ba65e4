using System.Text;

namespace Sluice.Progress.Screen;

/// <summary>
/// Stands in for <see cref="Console.Out"/> and <see cref="Console.Error"/> while displays are shown: complete lines of the program appear
/// above them.
/// </summary>
/// <remarks>
/// Thread-safe: the lock of the board guards its state. The console calls it under a lock of its own, so it never calls the writer that it
/// stands in for; <see cref="ProgressBoard"/> says why.
/// </remarks>
internal sealed class LinesAbove(ProgressBoard board, TextWriter original) : TextWriter
{
    // A program that writes dots and no line ends must not fill the memory.
    private const int MaxLine = 16_384;

    private readonly StringBuilder text = new();
    private int complete;                            // the length of the part of the text that has complete lines
    private bool isAfterReturn;                      // the last letter was a carriage return, which is not in the text

    public override Encoding Encoding => original.Encoding;

    /// <summary>The writer that it stands in for.</summary>
    internal TextWriter Original => original;

    /// <summary>Whether its displays have ended. Read and written under the lock of the board, like all state.</summary>
    internal bool IsOver { get; private set; }

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer) => board.Write(this, buffer);

    // In one piece: a display may end between two.
    public override void WriteLine(string? value) => Write(value + NewLine);

    public override void Flush()
    {
        // Complete lines are written at once, or some milliseconds later; others when they are complete.
    }

    /// <summary>Adds a text. The board calls it under its lock.</summary>
    /// <returns>The lines that are complete now, without those that it has returned before.</returns>
    internal string Add(ReadOnlySpan<char> buffer)
    {
        foreach (char letter in buffer) Add(letter);
        if (complete == 0) return "";
        string lines = text.ToString(0, complete);
        text.Remove(0, complete);
        complete = 0;
        return lines;
    }

    /// <summary>Ends it: without a later display, texts of those who have kept this writer need not be lines. The board calls it under its
    /// lock.</summary>
    /// <returns>The line that is not complete.</returns>
    internal string End()
    {
        IsOver = true;
        string rest = text.ToString();
        text.Clear();
        return rest;
    }

    // A carriage return that a line follows ends a line, too: programs count with "\rstep 7".
    private void Add(char letter)
    {
        if (isAfterReturn && letter == '\r') return;           // "\r\r\n" is one line end, too
        if (isAfterReturn && letter == '\n') text.Append('\r');
        else if ((isAfterReturn && text.Length > complete) || (text.Length - complete >= MaxLine && !char.IsLowSurrogate(letter)))
        {
            text.AppendLine();
            complete = text.Length;
        }
        isAfterReturn = letter == '\r';
        if (isAfterReturn) return;
        text.Append(letter);
        if (letter == '\n') complete = text.Length;
    }

    /// <summary>Puts the writers in place of the console's, and takes them away again.</summary>
    /// <remarks>Called under the lock of the board. The console locks no writer for what it is asked here.</remarks>
    internal sealed class Hook
    {
        private (TextWriter Before, TextWriter Installed, LinesAbove Lines)? output, error;
        private EventHandler? whenExiting;
        private UnhandledExceptionEventHandler? whenFailing;

        /// <returns>The console's writer before; null if both were left as they are.</returns>
        public TextWriter? Install(ProgressBoard board)
        {
            (TextWriter outputBefore, TextWriter errorBefore) = (Console.Out, Console.Error);
            // Output into a file is not the terminal's, whether the shell or the program has sent it there.
            if ((!Console.IsOutputRedirected || ReferenceEquals(outputBefore, errorBefore)) && ConsoleWriter.IsOwn(outputBefore))
                output = Put(board, outputBefore, Console.SetOut, static () => Console.Out);
            if (ConsoleWriter.IsOwn(errorBefore)) error = Put(board, errorBefore, Console.SetError, static () => Console.Error);
            whenExiting = (_, _) => board.Leave();
            whenFailing = (_, _) => board.Leave();
            AppDomain.CurrentDomain.ProcessExit += whenExiting;
            AppDomain.CurrentDomain.UnhandledException += whenFailing;
            return output?.Before ?? error?.Before;
        }

        /// <summary>Ends the writers, which stay the console's: from now on, what they get waits for the board and passes.</summary>
        /// <returns>The lines that are not complete.</returns>
        public string End()
        {
            string rest = output?.Lines.End() + error?.Lines.End();
            return rest.Length == 0 ? "" : rest + Environment.NewLine;
        }

        /// <summary>Takes the writers away, unless the program has put others in their place.</summary>
        public void PutBack()
        {
            if (output is { } one && ReferenceEquals(Console.Out, one.Installed)) Console.SetOut(one.Before);
            if (error is { } other && ReferenceEquals(Console.Error, other.Installed)) Console.SetError(other.Before);
            (output, error) = (null, null);
            AppDomain.CurrentDomain.ProcessExit -= whenExiting;
            AppDomain.CurrentDomain.UnhandledException -= whenFailing;
        }

        private static (TextWriter, TextWriter, LinesAbove) Put(ProgressBoard board, TextWriter before, Action<TextWriter> set,
            Func<TextWriter> get)
        {
            var lines = new LinesAbove(board, before);
            set(lines);
            return (before, get(), lines);
        }
    }
}

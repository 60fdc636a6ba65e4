using System.Text;

namespace Sluice.Progress.Screen;

/// <summary>
/// Stands in for <see cref="Console.Out"/> and <see cref="Console.Error"/> while displays are shown: complete lines of the program appear
/// above them.
/// </summary>
/// <remarks>
/// Thread-safe. The console calls it under a lock of its own; the board never writes through it. Its lock is held while it collects a
/// line, and never while it calls the board or the console.
/// </remarks>
internal sealed class LinesAbove(ProgressBoard board, TextWriter original) : TextWriter
{
    // A program that writes dots and no line ends must not fill the memory.
    private const int MaxLine = 16_384;

    private readonly StringBuilder text = new();
    private int complete;                            // the length of the part of the text that has complete lines
    private bool isAfterReturn;                      // the last letter was a carriage return, which is not in the text
    private bool isOver;                             // the displays have ended: texts go to the console as they are. Under the text's lock

    public override Encoding Encoding => original.Encoding;

    /// <summary>The writer that it stands in for.</summary>
    internal TextWriter Original => original;

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer)
    {
        string lines = "";
        bool passes;
        lock (text)
        {
            passes = isOver;
            if (!passes)
            {
                foreach (char letter in buffer) Add(letter);
                if (complete > 0) lines = text.ToString(0, complete);
                text.Remove(0, complete);
                complete = 0;
            }
        }
        if (passes) original.Write(buffer);
        else if (lines.Length > 0) board.Print(lines);
    }

    public override void Flush()
    {
        bool passes;
        lock (text) passes = isOver;
        if (passes) original.Flush();
    }

    /// <summary>Lets later texts pass to the console as they are, for those who have kept this writer.</summary>
    /// <returns>The line that is not complete: it stays until then, or until the displays end.</returns>
    internal string End()
    {
        lock (text)
        {
            isOver = true;
            string rest = text.ToString();
            text.Clear();
            return rest;
        }
    }

    // A carriage return that a line follows ends a line, too: programs count with "\rstep 7".
    private void Add(char letter)
    {
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

        public void Install(ProgressBoard board)
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
        }

        /// <summary>Takes them away, unless the program has put others in their place. Returns the lines that are not complete.</summary>
        public string Remove()
        {
            string rest = output?.Lines.End() + error?.Lines.End();
            if (output is { } one && ReferenceEquals(Console.Out, one.Installed)) Console.SetOut(one.Before);
            if (error is { } other && ReferenceEquals(Console.Error, other.Installed)) Console.SetError(other.Before);
            (output, error) = (null, null);
            AppDomain.CurrentDomain.ProcessExit -= whenExiting;
            AppDomain.CurrentDomain.UnhandledException -= whenFailing;
            return rest.Length == 0 ? "" : rest + Environment.NewLine;
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

using System.Text;

namespace Sluice.Progress.Screen;

/// <summary>
/// Stands in for <see cref="Console.Out"/> and <see cref="Console.Error"/> while displays are shown: complete lines of the program appear
/// above them.
/// </summary>
/// <remarks>Thread-safe. The console calls it under a lock of its own; the board never writes through it.</remarks>
internal sealed class LinesAbove(ProgressBoard board, TextWriter original) : TextWriter
{
    private readonly StringBuilder line = new();
    private bool isOver;                             // the displays have ended: texts go to the console as they are. Under the line's lock

    public override Encoding Encoding => original.Encoding;

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer)
    {
        string complete;
        lock (line)
        {
            if (isOver)
            {
                original.Write(buffer);
                return;
            }
            line.Append(buffer);
            int end = buffer.LastIndexOf('\n');
            if (end < 0) return;
            int length = line.Length - buffer.Length + end + 1;
            complete = line.ToString(0, length);
            line.Remove(0, length);
        }
        board.Print(complete);
    }

    public override void Flush()
    {
        lock (line)
            if (isOver) original.Flush();
    }

    /// <summary>Lets later texts pass to the console as they are, for those who have kept this writer.</summary>
    /// <returns>The line that is not complete: it stays until then, or until the displays end.</returns>
    internal string End()
    {
        lock (line)
        {
            isOver = true;
            string rest = line.ToString();
            line.Clear();
            return rest;
        }
    }

    /// <summary>Puts the writers in place of the console's, and takes them away again.</summary>
    /// <remarks>Called under the lock of the board.</remarks>
    internal sealed class Hook
    {
        private (TextWriter Before, TextWriter Installed, LinesAbove Lines)? output, error;

        public void Install(ProgressBoard board)
        {
            // Output into a file is not the terminal's.
            if (!Console.IsOutputRedirected) output = Put(board, Console.Out, Console.SetOut, static () => Console.Out);
            error = Put(board, Console.Error, Console.SetError, static () => Console.Error);
        }

        /// <summary>Takes them away, unless the program has put others in their place. Returns the lines that are not complete.</summary>
        public string Remove()
        {
            string rest = output?.Lines.End() + error?.Lines.End();
            if (output is { } one && ReferenceEquals(Console.Out, one.Installed)) Console.SetOut(one.Before);
            if (error is { } other && ReferenceEquals(Console.Error, other.Installed)) Console.SetError(other.Before);
            (output, error) = (null, null);
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

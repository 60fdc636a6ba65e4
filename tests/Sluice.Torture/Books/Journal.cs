using System.Text;

namespace Sluice.Torture;

/// <summary>
/// What one life has done, a line per event, in the order in which it happened. Each line is written by one call of the system, straight to
/// the file: a
/// kill leaves at most one torn line, the last.
/// </summary>
/// <remarks>Thread-safe. Closed, it forgets what it is told: whoever is dead writes nothing any more.</remarks>
internal sealed class Journal : IDisposable
{
    private readonly Lock sync = new();
    private readonly FileStream file;
    private bool isClosed;

    public Journal(string directory, int life)
        => file = new FileStream(PathOf(directory, life), FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);

    public static string PathOf(string directory, int life) => Path.Combine(directory, $"life-{life:0000}.log");

    public void Write(FormattableString line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(FormattableString.Invariant(line).ReplaceLineEndings(" ") + "\n");
        lock (sync)
        {
            if (!isClosed) file.Write(bytes);
        }
    }

    public void Dispose()
    {
        lock (sync)
        {
            isClosed = true;
            file.Dispose();
        }
    }
}

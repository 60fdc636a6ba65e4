using Microsoft.Win32.SafeHandles;

namespace Sluice.Producers;

/// <summary>The journal of a producer, held by one run. A consecutor takes it before it opens the producer in the store, so that a second
/// run fails alone, and does not supersede the first one.</summary>
/// <remarks>Used by one run: the accepting stage takes it, the source opens the journal with it.</remarks>
/// <param name="producer">The name of the producer.</param>
/// <param name="path">The path of the journal.</param>
/// <param name="share">What others may do with the file meanwhile.</param>
/// <param name="check">Checks what the source needs beside the journal; null for nothing.</param>
internal sealed class JournalClaim(string producer, string path, FileShare share, Action? check = null) : IDisposable
{
    private const int ReadOnly = 30;                 // EROFS: the file system takes no writes

    private SafeFileHandle? file;

    public string Path => path;

    /// <summary>Takes the journal, unless it is taken.</summary>
    /// <exception cref="DirectoryNotFoundException">The directory does not exist.</exception>
    /// <exception cref="IOException">Another run has the journal, or it cannot be written.</exception>
    public void Take()
    {
        if (file is not null) return;
        check?.Invoke();
        if (!Directory.Exists(System.IO.Path.GetDirectoryName(path)))
            throw new DirectoryNotFoundException(
                $"The directory of the journal {path}, in which the producer '{producer}' writes down what it has taken, does not exist. "
                    + $"Make it, or give the options of the producer another journal."
                    + (producer.AsSpan().IndexOfAny('/', '\\') < 0 ? "" : " A slash in the producer's name names a directory."));
        try
        {
            file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, share);
        }
        catch (PathTooLongException e)
        {
            throw new IOException(
                $"The producer '{producer}' cannot write its journal {path}: {e.Message} Set Journal in its options to a shorter path.", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException { HResult: ReadOnly })
        {
            throw new IOException(
                $"The producer '{producer}' cannot write its journal {path}: {e.Message} Give it the right to write there; or set Journal "
                    + $"in its options to a path in a directory that it may write to.", e);
        }
        catch (IOException e)
        {
            throw new IOException(
                $"The producer '{producer}' cannot take its journal {path}: {e.Message} A producer has one run at a time. If another run, "
                    + $"perhaps in another process, has the journal, end it first.", e);
        }
    }

    /// <summary>Gives the file to the caller, who closes it.</summary>
    public SafeFileHandle Give()
    {
        Take();
        (SafeFileHandle given, file) = (file!, null);
        return given;
    }

    public void Dispose() => file?.Dispose();
}

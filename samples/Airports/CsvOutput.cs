using System.Globalization;
using System.Text;

namespace Airports;

/// <summary>
/// The CSV file: <c>from,to,km</c>, kilometres with three decimals, rows in the order they are written. Rows leave in whole
/// blocks, so that the file ends with a whole row even where the disk gave up. For one thread at a time.
/// </summary>
internal sealed class CsvOutput : IOutput
{
    private const int BlockSize = 64 * 1024;
    private const int MaxRowSize = 256;

    private readonly FileStream file;
    private readonly bool created;
    private readonly byte[] block = new byte[BlockSize];
    private int used;
    private long rowsInBlock;
    private long rowsAccepted;
    private long rowsWritten;
    private long bytesWritten;
    private bool begun;
    private PairDistance last;

    private CsvOutput(FileStream file, string path, bool created) => (this.file, Path, this.created) = (file, path, created);

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public long RowsWritten => Volatile.Read(ref rowsWritten);

    /// <inheritdoc/>
    public long RowsAccepted => Volatile.Read(ref rowsAccepted);

    /// <summary>Opens the file, but leaves what is in it until the first row comes.</summary>
    /// <exception cref="UserMistake">It cannot be written.</exception>
    public static CsvOutput Open(string path)
    {
        try
        {
            if (Directory.Exists(path)) throw new UserMistake($"--out {path} is a directory: name a file.");
            var created = !File.Exists(path);
            // No buffer of its own: this class has one, and must know which rows have arrived.
            return new CsvOutput(new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0), path,
                created);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UserMistake($"--out {path} cannot be written: {FileTrouble.Describe(cause)}.", cause);
        }
    }

    /// <inheritdoc/>
    public void Write(PairDistance item)
    {
        var first = !begun;
        if (first) Begin(item);
        last = item;
        var row = block.AsSpan(used);
        var length = Encoding.ASCII.GetBytes(item.From, row);
        row[length++] = (byte)',';
        length += Encoding.ASCII.GetBytes(item.To, row[length..]);
        row[length++] = (byte)',';
        item.Km.TryFormat(row[length..], out var digits, "F3", CultureInfo.InvariantCulture);
        length += digits;
        row[length++] = (byte)'\n';
        used += length;
        rowsInBlock++;
        Volatile.Write(ref rowsAccepted, rowsAccepted + 1);

        // The first row goes out at once: a disk without room is found now, not a block later.
        if (first || used > BlockSize - MaxRowSize) Flush();
    }

    /// <inheritdoc/>
    public void Complete()
    {
        if (!begun) Begin(default);
        Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        file.Dispose();
        if (created && !begun) File.Delete(Path);
    }

    private void Begin(PairDistance item)
    {
        last = item;
        begun = true;
        Guard(() =>
        {
            // Asked for the length first, because devices such as /dev/full have none that could be set.
            if (file.CanSeek && file.Length > 0) file.SetLength(0);
        });
        used = Encoding.ASCII.GetBytes("from,to,km\n", block);
    }

    private void Flush()
    {
        Guard(() => file.Write(block, 0, used));
        bytesWritten += used;
        Volatile.Write(ref rowsWritten, rowsWritten + rowsInBlock);
        used = 0;
        rowsInBlock = 0;
    }

    private void Guard(Action write)
    {
        try
        {
            write();
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            CutToWholeRows();
            throw new OutputFailure($"{FileTrouble.Describe(cause)}: {Path}", last, cause);
        }
    }

    // Part of a block may have arrived before the disk was full.
    private void CutToWholeRows()
    {
        used = 0;
        rowsInBlock = 0;
        try
        {
            if (file.CanSeek && file.Length > bytesWritten) file.SetLength(bytesWritten);
        }
        catch (IOException)
        {
            // The failure that brought us here is the one to report; a cut row at the end of the file is a small thing beside it.
        }
    }
}

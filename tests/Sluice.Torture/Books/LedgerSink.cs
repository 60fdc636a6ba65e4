using System.Text;

namespace Sluice.Torture;

/// <summary>Writes a line per item into a file that is as long as the commits say.</summary>
internal sealed class LedgerSink(string path) : CommitSink<Work>
{
    private const string Name = "ledger";

    private FileStream? file;
    private long length;

    protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        file ??= new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        length = state.FileLengths.GetValueOrDefault(Name);
        if (file.Length < length) throw new InvalidDataException($"{path} has {file.Length} bytes, {length} were committed.");
        file.SetLength(length);
        return default;
    }

    protected override ValueTask PrepareAsync(SinkCommit<Work> commit, CancellationToken cancellation)
    {
        var lines = new StringBuilder();
        foreach (StagedItem<Work> item in commit.Items) lines.Append($"{item.Value.Number} {item.Value.Trace}\n");
        byte[] bytes = Encoding.UTF8.GetBytes(lines.ToString());
        file!.Position = length;
        file.Write(bytes);
        length += bytes.Length;
        commit.SetFileLength(Name, length);
        return default;
    }

    protected override ValueTask VoidedAsync(SinkCommit<Work> commit, CancellationToken cancellation)
    {
        // The next preparation would write behind what is void.
        int written = commit.Items.Sum(item => Encoding.UTF8.GetByteCount($"{item.Value.Number} {item.Value.Trace}\n"));
        length -= written;
        file!.SetLength(length);
        return default;
    }

    protected override ValueTask EndAsync()
    {
        file?.Dispose();
        return default;
    }
}

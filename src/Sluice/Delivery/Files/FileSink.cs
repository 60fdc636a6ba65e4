using Microsoft.Win32.SafeHandles;

namespace Sluice;

/// <summary>A file whose committed length is part of the consecutor's commits.</summary>
/// <remarks>
/// What lies behind the committed length is not there: bytes are written behind it first, then the commit moves it. While the outcome of a commit is not known,
/// nothing else is written (the consecutor makes commits with sinks one at a time). The claim keeps all others out, so the length in memory is the stored one
/// as soon as the outcome of a commit is known.
/// </remarks>
internal sealed class FileSink(string path, byte[] header, bool replace) : CommitSink<byte[]>
{
    private const int BlockBytes = 256 * 1024;

    private readonly byte[] block = new byte[BlockBytes];
    private int used;
    private FileClaim? claim;
    private SafeFileHandle? file;
    private bool isFlushed;                          // to the disk, before each commit
    private long committed;
    private long end;                                // of what is written; behind the committed length while a commit is under way

    private string Name => Path.GetFileName(path);

    protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        isFlushed = state.Store?.Durability.Level >= Durability.Power.Level;
        foreach (string other in state.FileLengths.Keys)
        {
            if (other == Name) continue;
            throw new InvalidDataException(
                $"The sink {state.Node} of {state.Consecutor} has written {other} so far, {state.FileLengths[other]:N0} bytes of which are committed, and is given {path} now. "
                + "Give it the old file; or give the node another name, if it is to begin a new one.");
        }
        claim ??= FileClaim.Take(path);
        file ??= File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        long length = RandomAccess.GetLength(file);
        if (state.FileLengths.TryGetValue(Name, out committed))
        {
            if (length < committed) throw Short(length);
            claim.Confirm();
        }
        else
        {
            if (length > 0 && !replace && !claim.IsBegun)
            {
                throw new InvalidDataException(
                    $"{path} has {length:N0} bytes, of which the store of {state.Consecutor} knows nothing: somebody else has written them, or the store is another one. "
                    + "Move the file away, or let the sink replace it.");
            }
            claim.Begin();
        }
        if (length > committed) RandomAccess.SetLength(file, committed);
        end = committed;
        return default;
    }

    protected override ValueTask PrepareAsync(SinkCommit<byte[]> commit, CancellationToken cancellation)
    {
        long length = RandomAccess.GetLength(file!);
        if (length < committed) throw Short(length);
        if (length > committed) throw new InvalidDataException($"{path} has {length:N0} bytes where this sink has written {committed:N0}: somebody else writes to it. Nothing was overwritten.");
        used = 0;
        if (committed == 0) Add(header);
        foreach (StagedItem<byte[]> item in commit.Items) Add(item.Value);
        Write(block.AsSpan(0, used));
        if (isFlushed) RandomAccess.FlushToDisk(file!);
        commit.SetFileLength(Name, end);
        return default;
    }

    protected override ValueTask CommittedAsync(SinkCommit<byte[]> commit, CancellationToken cancellation)
    {
        committed = end;
        claim!.Confirm();
        return default;
    }

    protected override ValueTask VoidedAsync(SinkCommit<byte[]> commit, CancellationToken cancellation)
    {
        // A write that failed may have been written in part. Whatever is longer than what was tried is not ours, and Prepare will say so.
        if (RandomAccess.GetLength(file!) <= end) RandomAccess.SetLength(file!, committed);
        end = committed;
        return default;
    }

    protected override ValueTask EndAsync()
    {
        // What is behind the committed length stays: if the outcome of its commit is not known, the next start will.
        file?.Dispose();
        claim?.Dispose();
        (file, claim) = (null, null);
        return default;
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BlockBytes - used)
        {
            Write(block.AsSpan(0, used));
            used = 0;
        }
        if (bytes.Length > BlockBytes)
        {
            Write(bytes);
            return;
        }
        bytes.CopyTo(block.AsSpan(used));
        used += bytes.Length;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        long at = end;
        end += bytes.Length;                         // before the write: it may fail half way
        RandomAccess.Write(file!, bytes, at);
    }

    private InvalidDataException Short(long length) => new(
        $"{path} has {length:N0} bytes, and {committed:N0} are committed: it was cut, deleted or replaced. What is missing does not come back by itself: "
        + "restore the file, together with the store if that is older.");
}

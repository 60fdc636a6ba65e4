using Microsoft.Win32.SafeHandles;

namespace Sluice.Delivery;

/// <summary>A file sink: the committed length of the file is part of the consecutor's commits.</summary>
/// <remarks>
/// <para>
/// Bytes behind the committed length do not count: the sink writes them first, then the commit moves the length. While the outcome of a
/// commit is unknown, the sink writes nothing else, because the consecutor makes commits with sinks one at a time. The claim keeps other
/// writers out, so the length in memory equals the stored one as soon as the outcome is known.
/// </para>
/// <para>The sink opens the file anew for every commit, because the file under its name counts. With an open handle, writes to a moved or
/// deleted file would go on, and be lost.</para>
/// </remarks>
internal sealed class FileSink(string path, byte[] header, bool replace) : TransactionalSink<byte[]>
{
    private const int BlockBytes = 256 * 1024;

    private readonly byte[] block = new byte[BlockBytes];
    private int used;
    private FileClaim? claim;
    private bool isFlushed;                          // flush to the disk before each commit
    private bool hasBegun;
    private string storedName = "";
    private long committed;
    private long end; // end of the bytes that this sink may have written; equals the committed length once they are cut or committed

    private string Name => Path.GetFileName(path);

    protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        isFlushed = state.Store?.Durability.Level >= Durability.Power.Level;
        var known = new KnownFile(state.FileLengths);
        if (known.Names.FirstOrDefault(other => other != Name) is { } former)
        {
            throw new InvalidDataException(
                $"The sink {state.Node} of {state.Consecutor} has written {former} so far, {known.Length:N0} bytes of which "
                    + $"are committed, and is given {path} now. "
                + "Give it the old file. If the node was another kind of sink, or is to begin a new file, give it another name.");
        }
        claim ??= FileClaim.Take(path);
        string writer = $"{state.Consecutor}/{state.Node}";
        if (known.IsAny && !known.IsNotedIn(claim, writer))
        {
            InvalidDataException foreign = Foreign(writer);
            claim.Dispose();                         // the file's own sink may need it
            claim = null;
            throw foreign;
        }
        committed = known.Length;
        using SafeFileHandle file = Open();
        long length = RandomAccess.GetLength(file);
        // The member that has the other partitions had the claim until now: it may have committed these bytes.
        if (!hasBegun && !state.HasAllPartitions && length > committed)
        {
            claim.Dispose();
            claim = null;
            throw new InvalidDataException(
                $"{path} has {length:N0} bytes, and {committed:N0} are committed by the partitions of this member. Other members of "
                    + $"{state.Consecutor}, or newer code, have the other partitions, and may have committed the rest. The file is left "
                    + "alone until this member has all partitions: stop the others, because one member at a time writes a file.");
        }
        if (known.IsAny)
        {
            if (length < committed) throw Short(length);
            if (claim.Id is null && length > committed) throw Unnoted(length, writer);
            if (claim.Id is null) claim.Adopt(known.Id, writer);
            claim.Confirm();
        }
        else
        {
            bool isOwn = claim.IsBegun && (claim.Writer ?? writer) == writer;
            if (length > 0 && !replace && !isOwn)
            {
                throw new InvalidDataException(
                    $"{path} has {length:N0} bytes, of which the store of {state.Consecutor} knows nothing: another program has written "
                        + $"them, the store is another one, "
                    + $"or the node {state.Node} had another name before. Give the node its old name, or move the file away, or let the "
                    + $"sink replace it (replace: true).");
            }
            claim.Begin(writer);
        }
        storedName = KnownFile.NameOf(Name, claim.Id!);
        if (length > committed) RandomAccess.SetLength(file, committed);
        end = committed;
        hasBegun = true;
        return default;
    }

    protected override ValueTask PrepareAsync(SinkCommit<byte[]> commit, CancellationToken cancellation)
    {
        using SafeFileHandle file = Open();
        Cut(file);
        used = 0;
        if (committed == 0) Add(file, header);
        foreach (StagedItem<byte[]> item in commit.Items) Add(file, item.Value);
        Write(file, block.AsSpan(0, used));
        if (isFlushed) RandomAccess.FlushToDisk(file);
        commit.SetFileLength(storedName, end);
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
        try
        {
            using SafeFileHandle file = Open();
            Cut(file);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            // The next commit, or the next start, cuts the file as well and reports the damage.
        }
        return default;
    }

    protected override ValueTask EndAsync()
    {
        // Bytes behind the committed length stay: if the outcome of their commit is unknown, the next start decides.
        claim?.Dispose();
        claim = null;
        return default;
    }

    /// <exception cref="InvalidDataException">The file is gone, and bytes of it are committed.</exception>
    private SafeFileHandle Open()
    {
        try
        {
            return File.OpenHandle(path, committed == 0 ? FileMode.OpenOrCreate : FileMode.Open, FileAccess.Write, FileShare.Read);
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidDataException(
                $"{path} is not there, and {committed:N0} bytes of it are committed: it was moved, renamed or deleted, or "
                    + $"the sink was given another path. {Remedy}", e);
        }
    }

    /// <summary>Cuts uncommitted bytes. Refuses a file that is longer than this sink has written: those bytes are not ours.</summary>
    private void Cut(SafeFileHandle file)
    {
        long length = RandomAccess.GetLength(file);
        if (length < committed) throw Short(length);
        if (length > end) throw new InvalidDataException(
            $"{path} has {length:N0} bytes where this sink has written {end:N0}: another program writes to it. Nothing was overwritten.");
        if (length > committed) RandomAccess.SetLength(file, committed);
        end = committed;
    }

    private void Add(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BlockBytes - used)
        {
            Write(file, block.AsSpan(0, used));
            used = 0;
        }
        if (bytes.Length > BlockBytes)
        {
            Write(file, bytes);
            return;
        }
        bytes.CopyTo(block.AsSpan(used));
        used += bytes.Length;
    }

    private void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        long at = end;
        end += bytes.Length;                         // before the write, which may fail half way
        RandomAccess.Write(file, bytes, at);
    }

    private InvalidDataException Short(long length)
        => new($"{path} has {length:N0} bytes, and {committed:N0} are committed: it was cut, or replaced by another file. {Remedy}");

    private InvalidDataException Foreign(string writer)
        => new($"{path} is another file than {writer} has written so far. {path}.lock says that it belongs to {claim!.Writer}"
            + (claim.Writer == writer ? " of another store" : "")
            + ". Nothing was cut. Give the sink its own file; or give the node another name, if it is to begin a new one.");

    private InvalidDataException Unnoted(long length, string writer)
        => new($"{path} has {length:N0} bytes, and {committed:N0} are committed. {path}.lock does not say that {writer} has written "
            + "the rest: this is another file, or it came without its lock file, or an earlier version of Sluice wrote it. Nothing was cut."
            + $" Give the sink its file, with the lock file. If this is the file, cut it to {committed:N0} bytes: the rest was never committed.");

    private static string Remedy
        => "What is missing does not come back by itself: put the file back, together with the store if the copy is older. "
        + "If it was taken away on purpose, stop the consecutor and give the node another name (Stage.Named): under that it begins a new "
        + "file.";
}

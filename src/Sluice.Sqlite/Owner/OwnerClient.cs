using System.Net.Sockets;
using System.Text.Json;

namespace Sluice.Sqlite;

/// <summary>Asks the process that has a store open.</summary>
/// <remarks>Thread-safe: each call has a connection of its own.</remarks>
internal sealed class OwnerClient(string path, TimeProvider time)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MembersTimeout = TimeSpan.FromSeconds(5);           // the file tells the rest

    // When a process did not answer: it is not asked again for a while. 0: always answered.
    private long silentSince;

    /// <summary>Changes dead letters, and returns their number.</summary>
    /// <exception cref="StoreInUseException">No process answers, or it takes no changes.</exception>
    /// <exception cref="StreamStoreException">The process refused the change, or ended before it answered.</exception>
    public async Task<int> ChangeAsync(string command, GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation)
    {
        JsonElement answer = await AskAsync(command, group, json =>
        {
            json.WriteStartArray("numbers");
            foreach (long number in numbers) json.WriteNumberValue(number);
            json.WriteEndArray();
        }, cancellation).ConfigureAwait(false) ?? throw NoOwner();
        return answer.TryGetProperty("changed", out JsonElement changed) ? changed.GetInt32() : throw Strange();
    }

    /// <summary>Pauses or resumes a group.</summary>
    /// <exception cref="StoreInUseException">No process answers, or it takes no changes.</exception>
    /// <exception cref="StreamStoreException">The process refused the change, or ended before it answered.</exception>
    public async Task PauseAsync(GroupId group, bool isPaused, CancellationToken cancellation)
        => _ = await AskAsync(OwnerMessage.Pause, group, json => json.WriteBoolean("paused", isPaused), cancellation).ConfigureAwait(false)
            ?? throw NoOwner();

    /// <summary>Drains a group. A process of an earlier version of Sluice refuses the command.</summary>
    /// <exception cref="StoreInUseException">No process answers, or it takes no changes.</exception>
    /// <exception cref="StreamStoreException">The process refused the change, or ended before it answered.</exception>
    public async Task DrainAsync(GroupId group, CancellationToken cancellation)
        => _ = await AskAsync(OwnerMessage.Drain, group, static _ => { }, cancellation).ConfigureAwait(false) ?? throw NoOwner();

    /// <summary>Appends one entry by a producer that is used once, and opens its stream if options are given.</summary>
    /// <exception cref="StoreInUseException">No process answers, or it takes no changes.</exception>
    /// <exception cref="StreamStoreException">The process refused the append, or ended before it answered.</exception>
    public async Task<AppendStatus> AppendAsync(AppendRequest append, StreamOptions? toOpen, CancellationToken cancellation)
    {
        int bytes = append.Entries.RecordAt(0).Length;
        if (bytes > OwnerMessage.MaxRecord)
            throw new PayloadException($"The entry has {bytes:N0} bytes; the process that has the store {path} open takes "
                + $"{OwnerMessage.MaxRecord:N0} from here.");
        JsonElement answer = await AskAsync(OwnerMessage.Append, new(append.Stream, append.Stream),
            json => OwnerMessage.Write(json, append, toOpen), cancellation).ConfigureAwait(false) ?? throw NoOwner();
        return answer.TryGetProperty("status", out JsonElement status) && Enum.TryParse(status.GetString(), out AppendStatus known) ? known
            : throw Strange();
    }

    /// <summary>The members of a group with their heartbeats; null if no process answers, or one that is busy or ends. Such a question
    /// changes nothing, and the file can be read without its answer.</summary>
    public async Task<IReadOnlyList<MemberInfo>?> FindMembersAsync(GroupId group, CancellationToken cancellation)
    {
        if (Volatile.Read(ref silentSince) is not 0 and var since && time.GetElapsedTime(since) < AnswerTimeout) return null;
        JsonElement? found;
        try
        {
            found = await AskAsync(OwnerMessage.Members, group, static _ => { }, cancellation, MembersTimeout).ConfigureAwait(false);
        }
        catch (NoAnswerException)
        {
            Volatile.Write(ref silentSince, time.GetTimestamp());
            return null;
        }
        if (found is not { } answer) return null;
        return answer.TryGetProperty("members", out JsonElement members)
            ? [.. members.EnumerateArray().Select(OwnerMessage.ReadMember)] : throw Strange();
    }

    /// <summary>Whether a process answers.</summary>
    public async Task<bool> IsThereAsync(CancellationToken cancellation)
    {
        using Socket? socket = await ConnectAsync(cancellation).ConfigureAwait(false);
        return socket is not null;
    }

    /// <exception cref="NoAnswerException">A process has the store open, and did not answer.</exception>
    private async Task<JsonElement?> AskAsync(string command, GroupId group, Action<Utf8JsonWriter> write, CancellationToken cancellation,
        TimeSpan? limit = null)
    {
        using var timeout = new CancellationTokenSource(limit ?? AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            if (await ConnectAsync(either.Token).ConfigureAwait(false) is not { } socket) return null;
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await OwnerMessage.WriteAsync(stream, json =>
            {
                json.WriteString("command", command);
                json.WriteString("stream", group.Stream);
                json.WriteString("group", group.Name);
                write(json);
            }, OwnerMessage.MaxRequest, either.Token).ConfigureAwait(false);
            JsonElement answer = await OwnerMessage.ReadAsync(stream, OwnerMessage.MaxAnswer, either.Token).ConfigureAwait(false);
            if (!answer.TryGetProperty("error", out JsonElement error)) return answer;
            string refusal = $"The process that has the store {path} open has refused: {error.GetString()?.TrimEnd('.')}.";
            throw answer.TryGetProperty("damagedPartition", out JsonElement partition)
                ? new StreamStoreException(refusal) { Stream = group.Stream, Partition = partition.GetInt32(), IsPermanent = true }
                : new StreamStoreException(refusal);
        }
        catch (Exception gone) when (gone is IOException or SocketException or InvalidDataException
            || (gone is OperationCanceledException && timeout.IsCancellationRequested && !cancellation.IsCancellationRequested))
        {
            string end = timeout.IsCancellationRequested ? $"did not answer within {(limit ?? AnswerTimeout).TotalSeconds:0} s"
                : "ended, or closed the connection, before it answered";
            throw new NoAnswerException($"The process that has the store {path} open {end}. It is unknown whether the process made the "
                + "change.", gone);
        }
    }

    // Null if no process of this user listens: there is no socket, its process is dead, or another user owns the socket.
    private async Task<Socket?> ConnectAsync(CancellationToken cancellation)
    {
        if (OwnerSocket.AddressOf(path) is not { } address || !File.Exists(OwnerSocket.PathOf(path))) return null;
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(address, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();                        // a dead process, or one of another user
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The failure of a change while the owner takes none.</summary>
    public StoreInUseException NoOwner() => new($"The store {path} is open in another process, which takes no changes from here"
        + (OwnerSocket.AddressOf(path) is null ? ": the path is too long for a socket beside the file"
            : $" (no answer at {OwnerSocket.PathOf(path)})")
        + ". Stop the process and repeat the command, or let the process make the change.");

    private StreamStoreException Strange()
        => new($"The process that has the store {path} open has given an answer of another version. Use the version of the process.");

    private sealed class NoAnswerException(string message, Exception cause) : StreamStoreException(message, cause);
}

using System.Net.Sockets;
using System.Text.Json;

namespace Sluice.Sqlite;

/// <summary>Carries out changes that other processes ask for, in the process that has the store open.</summary>
/// <remarks>
/// Has no thread: it waits for connections. A slow or wrong peer costs one of <see cref="MaxConnections"/> places for at most
/// <see cref="RequestTimeout"/>, and <see cref="AnswerTimeout"/> to take its answer. A change is a call of the store like any other; if
/// the peer is gone when it is done, it stays done.
/// </remarks>
internal sealed class OwnerListener : IAsyncDisposable
{
    private const int MaxConnections = 8;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10), AnswerTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AcceptRetryInterval = TimeSpan.FromSeconds(1);

    private readonly SqliteStreamStore store;
    private readonly Socket socket;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim places = new(MaxConnections);
    private readonly Task accepting;

    private OwnerListener(SqliteStreamStore store, Socket socket, TimeProvider time)
    {
        (this.store, this.socket, this.time) = (store, socket, time);
        accepting = AcceptAsync();
    }

    /// <summary>Begins to listen; null where there can be no socket.</summary>
    public static OwnerListener? Start(SqliteStreamStore store, TimeProvider time)
        => OwnerSocket.Listen(store.Path) is { } socket ? new(store, socket, time) : null;

    /// <summary>Ends it, after the changes that are being made.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        OwnerSocket.Delete(store.Path);
        socket.Dispose();
        await accepting.ConfigureAwait(false);
        for (int place = 0; place < MaxConnections; place++) await places.WaitAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private async Task AcceptAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await places.WaitAsync(stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            try
            {
                _ = AnswerAsync(await socket.AcceptAsync(stop.Token).ConfigureAwait(false));
            }
            catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
            {
                places.Release();
                return;
            }
            catch (SocketException)
            {
                // The peer was gone before it was accepted, or the process has too many open files, which may last.
                places.Release();
                await Task.Delay(AcceptRetryInterval, time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // Not awaited: each connection has a place, and DisposeAsync takes all places.
    private async Task AnswerAsync(Socket peer)
    {
        try
        {
            await using var stream = new NetworkStream(peer, ownsSocket: true);
            using var late = new CancellationTokenSource(RequestTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop.Token);
            JsonElement request = await OwnerMessage.ReadAsync(stream, OwnerMessage.MaxRequest, either.Token).ConfigureAwait(false);
            Action<Utf8JsonWriter> answer = await AnswerAsync(request).ConfigureAwait(false);
            // A change on a slow disk takes its time, and none of the answer's.
            using var slow = new CancellationTokenSource(AnswerTimeout, time);
            await OwnerMessage.WriteAsync(stream, answer, OwnerMessage.MaxAnswer, slow.Token).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or SocketException or OperationCanceledException or InvalidDataException)
        {
            // The peer is slow, gone, or speaks another language: its connection is closed, which tells it so.
        }
        finally
        {
            places.Release();
        }
    }

    private async Task<Action<Utf8JsonWriter>> AnswerAsync(JsonElement request)
    {
        try
        {
            int version = request.GetProperty("version").GetInt32();
            string command = request.GetProperty("command").GetString()!;
            var group = new GroupId(request.GetProperty("stream").GetString()!, request.GetProperty("group").GetString()!);
            if (version != OwnerMessage.Version) return Error($"the process speaks version {OwnerMessage.Version} of the requests, and you "
                + $"speak version {version}: use a sluice of the same version as the process");
            switch (command)
            {
                case OwnerMessage.Redrive:
                    return Changed(await store.RedriveAsync(group, Numbers(request), CancellationToken.None).ConfigureAwait(false));
                case OwnerMessage.Discard:
                    return Changed(await store.DeleteDeadAsync(group, Numbers(request), CancellationToken.None).ConfigureAwait(false));
                case OwnerMessage.Pause:
                    await store.PauseGroupAsync(group, request.GetProperty("paused").GetBoolean(), CancellationToken.None)
                        .ConfigureAwait(false);
                    return static _ => { };
                case OwnerMessage.Drain:
                    await store.DrainGroupAsync(group, CancellationToken.None).ConfigureAwait(false);
                    return static _ => { };
                case OwnerMessage.Append:
                    AppendStatus status = await AppendAsync(group.Stream, request).ConfigureAwait(false);
                    return json => json.WriteString("status", status.ToString());
                case OwnerMessage.Members:
                    GroupInfo? info = await store.FindGroupAsync(group, CancellationToken.None).ConfigureAwait(false);
                    return json =>
                    {
                        json.WriteStartArray("members");
                        foreach (MemberInfo member in info?.Members ?? []) OwnerMessage.Write(json, member);
                        json.WriteEndArray();
                    };
                default:
                    return Error($"the process does not know the command {command}: use a sluice of the same version as the process");
            }
        }
        catch (Exception malformed) when (malformed is KeyNotFoundException or FormatException or (InvalidOperationException
            and not ObjectDisposedException))
        {
            return Error("the request is not complete");
        }
        catch (StreamStoreException refused) when (refused is { IsPermanent: true, Partition: not null })
        {
            return json =>
            {
                Error(refused.Message)(json);
                json.WriteNumber("damagedPartition", refused.Partition.Value);
            };
        }
        catch (Exception refused)                    // the peer reports it; this process has nothing to do with it
        {
            return Error(refused.Message);
        }

        static Action<Utf8JsonWriter> Changed(int count) => json => json.WriteNumber("changed", count);
        static Action<Utf8JsonWriter> Error(string message) => json => json.WriteString("error", message);
    }

    private async Task<AppendStatus> AppendAsync(string stream, JsonElement request)
    {
        (AppendRequest append, StreamOptions? toOpen) = OwnerMessage.ReadAppend(request, stream);
        using EntryBatch entries = append.Entries;
        if (toOpen is not null) await store.OpenStreamAsync(stream, toOpen, CancellationToken.None).ConfigureAwait(false);
        return (await store.AppendAsync(append, CancellationToken.None).ConfigureAwait(false)).Status;
    }

    private static long[] Numbers(JsonElement request)
        => [.. request.GetProperty("numbers").EnumerateArray().Select(static number => number.GetInt64())];
}

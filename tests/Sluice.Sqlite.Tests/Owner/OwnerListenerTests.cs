using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Sqlite.Tests.Owner;

/// <summary>The socket of a store meets peers that are wrong, slow or of another version.</summary>
public sealed class OwnerListenerTests : IDisposable
{
    private readonly TempDirectory directory = new();

    private string StorePath => directory.File("store.db");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"version":2,"command":"redrive","stream":"a","group":"a","numbers":[]}""", "speaks version 1")]
    [InlineData("""{"version":1,"command":"drop","stream":"a","group":"a"}""", "does not know the command drop")]
    [InlineData("""{"version":1,"command":"redrive","stream":"a","group":"a","numbers":[1]}""", "There is no stream a")]
    [InlineData("""{"version":1,"command":"redrive","stream":"a"}""", "not complete")]
    [InlineData("""{"version":1,"command":"redrive","stream":"a","group":"a","numbers":["x"]}""", "not complete")]
    [InlineData("""{"version":1,"command":"redrive","stream":"a","group":"a","numbers":[99999999999999999999]}""", "not complete")]
    [InlineData("""{"version":1,"command":"members","stream":"a","group":"a","more":{}}""", "\"members\":[]")]
    public async Task AWrongRequestIsAnswered(string request, string part)
    {
        await using SqliteStreamStore store = await OpenAsync();
        Assert.Contains(part, await AskAsync(Encoding.UTF8.GetBytes(request)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PeersThatSendRubbishAreDisconnectedAndOthersAreServed()
    {
        await using SqliteStreamStore store = await OpenAsync();
        List<Socket> slow = [];
        for (int i = 0; i < 7; i++) slow.Add(await ConnectAsync());            // say nothing
        foreach (byte[] rubbish in (byte[][])
            [[0xff, 0xff, 0xff, 0x7f], [0, 0, 0, 0], [2, 0, 0, 0, (byte)'[', (byte)']'], [3, 0, 0, 0, 1, 2, 3]])
        {
            using Socket peer = await ConnectAsync();
            await peer.SendAsync(rubbish, Cancellation);
            Assert.Equal(0, await peer.ReceiveAsync(new byte[1], Cancellation));
        }
        Assert.Contains("members", await AskAsync("""{"version":1,"command":"members","stream":"a","group":"a"}"""u8.ToArray()),
            StringComparison.Ordinal);
        slow.ForEach(static peer => peer.Dispose());
    }

    [Fact]
    public async Task AChangeThatTakesLongerThanARequestMayIsAnswered()
    {
        var clock = new SlowClock();
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, new() { Time = clock },
            Cancellation);
        await store.OpenStreamAsync("a", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(new("a", "a"), cancellation: Cancellation);
        clock.IsSlow = true;
        Assert.Contains("\"changed\":0", await AskAsync(
            """{"version":1,"command":"redrive","stream":"a","group":"a","numbers":[1]}"""u8.ToArray()), StringComparison.Ordinal);
        Assert.True(clock.Slowly > 0);
    }

    [Fact]
    public async Task AStoreThatIsClosedHasNoSocketAndTheNextOneReplacesADeadOne()
    {
        await (await OpenAsync()).DisposeAsync();
        Assert.False(File.Exists(StorePath + "-socket"));
        await File.WriteAllTextAsync(StorePath + "-socket", "left by a dead process", Cancellation);
        await using SqliteStreamStore store = await OpenAsync();
        await using IStreamStore other = await SqliteStreamStore.OpenToChangeAsync(StorePath, null, Cancellation);
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => other.RedriveAsync(new("a", "a"), [1], Cancellation).AsTask());
        Assert.Contains("has refused: There is no stream a", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StreamStoreException>(() => other.OpenStreamAsync("a", null, Cancellation).AsTask());
    }

    [Fact]
    public async Task AnEntryIsAppendedByTheOwnerToAStreamThatItOpens()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await using IStreamStore other = await SqliteStreamStore.OpenToChangeAsync(StorePath, null, Cancellation);
        await other.OpenStreamAsync("audit", new() { Partitions = 3, Retention = Retention.All, MaxEntryBytes = 5000 }, Cancellation);
        Assert.Null(await store.FindStreamAsync("audit", Cancellation));                 // with the first entry
        using var entries = new EntryBatch { Stream = "audit", CodeVersion = 7, FlowVersion = 8 };
        entries.Add("payload"u8, EntryKey.Of("key"), "headers"u8);
        var append = new AppendRequest("audit", "operator/1", 0, 1, entries) { ForgetAfter = TimeSpan.FromMinutes(1) };

        Assert.Equal(AppendStatus.Accepted, (await other.AppendAsync(append, Cancellation)).Status);
        Assert.Equal(AppendStatus.Duplicate, (await other.AppendAsync(append, Cancellation)).Status);

        StreamInfo stream = (await store.FindStreamAsync("audit", Cancellation))!;
        Assert.Equal((3, Retention.All, 5000, 1), (stream.Options.Partitions, stream.Options.Retention, stream.Options.MaxEntryBytes,
            stream.Appended));
        int partition = EntryKey.Of("key").PartitionOf(3);
        Entry entry = (await store.ReadAsync(new("audit", partition, 1), Cancellation)).Entries.Span[0];
        Assert.Equal("payload"u8, entry.Payload.Span);
        Assert.Equal("headers"u8, entry.Headers.Span);
        Assert.Equal((7, 8, EntryKey.Of("key")), (entry.CodeVersion, entry.FlowVersion, entry.Key));
    }

    [Fact]
    public async Task AnEntryThatTheOwnerCannotAppendIsRefusedWithTheReason()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await store.OpenStreamAsync("small", new() { MaxEntryBytes = 100 }, Cancellation);
        await using IStreamStore other = await SqliteStreamStore.OpenToChangeAsync(StorePath, null, Cancellation);
        await RefusedAsync(other, "small", 101, "small");
        await RefusedAsync(other, "none", 1, "no stream none");
        await Assert.ThrowsAsync<PayloadException>(() => AppendAsync(other, "small", 2_000_000));
        await using IStreamStore reading = await SqliteStreamStore.OpenReadOnlyAsync(StorePath, null, Cancellation);
        await RefusedAsync(reading, "small", 1, "open for reading only");
        Assert.Equal(0, (await store.FindStreamAsync("small", Cancellation))!.Appended);
    }

    /// <summary>Who asks for members changes nothing, and the file can be read without the answer.</summary>
    [Fact]
    public async Task AnOwnerThatDoesNotAnswerHidesItsMembersOnly()
    {
        GroupId group = new("a", "a");
        await using (SqliteStreamStore store = await OpenAsync())
        {
            await store.OpenStreamAsync("a", new() { Partitions = 1 }, Cancellation);
            await store.AddGroupAsync(group, cancellation: Cancellation);
            await store.AcquireAsync(group, 0, new("killed"), Cancellation);
        }
        using var busy = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        busy.Bind(new UnixDomainSocketEndPoint(StorePath + "-socket"));
        busy.Listen();
        var clock = new TestClock();
        await using IStreamStore other = await SqliteStreamStore.OpenReadOnlyAsync(StorePath, new() { Time = clock }, Cancellation);
        Task<GroupInfo?> look = other.FindGroupAsync(group, Cancellation).AsTask();
        using Socket peer = await busy.AcceptAsync(Cancellation);
        while (!look.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        GroupInfo found = (await look)!;
        Assert.Equal(("killed", 0), (found.Partitions[0].Owner, found.Members.Count));
    }

    private static async Task RefusedAsync(IStreamStore store, string stream, int bytes, string why)
        => Assert.Contains(why, (await Assert.ThrowsAsync<StreamStoreException>(() => AppendAsync(store, stream, bytes))).Message,
            StringComparison.Ordinal);

    private static async Task AppendAsync(IStreamStore store, string stream, int bytes)
    {
        using var entries = new EntryBatch { Stream = stream };
        entries.Add(new byte[bytes]);
        await store.AppendAsync(new(stream, "operator", 0, 1, entries), Cancellation);
    }

    [Fact]
    public async Task APathThatIsTooLongForASocketIsAStoreWithoutOne()
    {
        string path = directory.File(new string('x', 120) + ".db");
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, null, Cancellation);
        var failure = await Assert.ThrowsAsync<StoreInUseException>(()
            => SqliteStreamStore.OpenToChangeAsync(path, null, Cancellation).AsTask());
        Assert.Contains("the path is too long for a socket", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStoreWhoseDirectoryWasRemovedIsClosedAllTheSame()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A directory with open files cannot be removed here.");
        string folder = directory.File("removed"), path = Path.Combine(folder, "store.db");
        Directory.CreateDirectory(folder);
        SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, null, Cancellation);
        Directory.Delete(folder, recursive: true);
        Exception? failure = await Record.ExceptionAsync(() => store.DisposeAsync().AsTask());
        Assert.Empty(OpenFilesUnder(folder));
        Assert.Null(failure);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.ListStreamsAsync("", Cancellation).AsTask());
    }

    // The lock is one of them.
    private static string[] OpenFilesUnder(string folder) => OperatingSystem.IsLinux()
        ? [.. Directory.GetFiles("/proc/self/fd").Select(static file => new FileInfo(file).LinkTarget ?? "")
            .Where(target => target.StartsWith(folder, StringComparison.Ordinal))]
        : [];

    private Task<SqliteStreamStore> OpenAsync() => SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation).AsTask();

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(StorePath + "-socket"), Cancellation);
        return socket;
    }

    private async Task<string> AskAsync(byte[] request)
    {
        await using var stream = new NetworkStream(await ConnectAsync(), ownsSocket: true);
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, request.Length);
        await stream.WriteAsync((byte[])[.. length, .. request], Cancellation);
        JsonElement answer = await OwnerMessage.ReadAsync(stream, OwnerMessage.MaxAnswer, Cancellation);
        return answer.GetRawText();
    }

    public void Dispose() => directory.Dispose();

    /// <summary>The clock of a store whose changes take 11 seconds: they pass whenever the store asks for the time.</summary>
    private sealed class SlowClock : TimeProvider
    {
        private readonly TestClock clock = new();
        private readonly Lock advancing = new();     // several threads ask

        public bool IsSlow { get; set; }

        public int Slowly { get; private set; }

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override long GetTimestamp()
        {
            if (IsSlow)
            {
                lock (advancing)
                {
                    clock.Advance(TimeSpan.FromSeconds(11));
                    Slowly++;
                }
            }
            return clock.GetTimestamp();
        }

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => clock.CreateTimer(callback, state, dueTime, period);
    }
}

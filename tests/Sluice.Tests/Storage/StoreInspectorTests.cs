using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

public sealed class StoreInspectorTests : IAsyncDisposable
{
    private static readonly GroupId Group = new("orders", "orders");
    private readonly TestClock clock = new();
    private readonly MemoryStreamStore store;
    private readonly StoreInspector inspector;
    private Ownership owner;
    private long appended, commits;

    public StoreInspectorTests()
    {
        store = new(clock);
        inspector = new(store, clock);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task RatesAreThoseBetweenTwoLooks()
    {
        await OpenAsync();
        await AppendAsync(10);
        StreamLook first = Assert.Single(await inspector.LookAsync(cancellation: Cancellation));
        Assert.Equal((true, 10, null, null),
            (first.IsConsecutor, first.Backlog, first.AppendedPerSecond, first.Consecutor!.SettledPerSecond));

        await AppendAsync(20);
        await SettleAsync(6);
        clock.Advance(TimeSpan.FromSeconds(2));
        StreamLook second = (await inspector.FindAsync("orders", Cancellation))!;
        Assert.Equal((24, 10.0, 3.0), (second.Backlog, second.AppendedPerSecond, second.Consecutor!.SettledPerSecond));
        Assert.Null(await inspector.FindAsync("nothing", Cancellation));
    }

    /// <summary>The page that is not full asks for the next names, and skips none.</summary>
    [Fact]
    public async Task AStreamThatIsDeletedDuringALookHidesNoOther()
    {
        string[] names = [.. Enumerable.Range(0, 300).Select(static n => $"s{n:000}")];
        foreach (string name in names) await store.OpenStreamAsync(name, cancellation: Cancellation);
        var loses = new StoreInspector(new Forgetful(store), clock);
        List<string> found = [];
        for (string? after = null; ;)
        {
            IReadOnlyList<StreamLook> page = await loses.LookAsync(after: after, max: 100, cancellation: Cancellation);
            found.AddRange(page.Select(static one => one.Name));
            if (page.Count < 100) break;
            after = page[^1].Name;
        }
        Assert.Equal(names.Except(["s050"]), found);
    }

    [Fact]
    public async Task AnIdThatIsNullIsRefused()
    {
        await Assert.ThrowsAsync<ArgumentNullException>(() => inspector.FindDeadLetterAsync(Group, null!, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await inspector.FindDeadLettersAsync(Group, ["1", null!], Cancellation).ToListAsync(Cancellation));
    }

    /// <summary>Lists a stream that was deleted before it is asked for.</summary>
    private sealed class Forgetful(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => stream == "s050" ? new((StreamInfo?)null) : base.FindStreamAsync(stream, cancellation);
    }

    /// <summary>An inspector of a store in which runs come and go lives as long as its program.</summary>
    [Fact]
    public void WhatWasDeletedIsForgotten()
    {
        var looks = new StreamLooks(clock);
        for (int day = 0; day < 20; day++)
        {
            string[] present = ["orders", .. Enumerable.Range(0, 500).Select(run => $"flow/{day}-{run}")];
            looks.Keep("", present);
            foreach (string name in present) Look(name, day);
        }
        Assert.InRange(looks.Count, 501, 2000);
        clock.Advance(TimeSpan.FromSeconds(1));
        for (int i = 0; i < 1000; i++) Look($"other/{i}", 1);
        looks.Keep("flow/", []);
        Assert.Equal(1001, looks.Count);
        Assert.Equal(1, Look("orders", 20).AppendedPerSecond);

        StreamLook Look(string name, long appended) => looks.Look(new(name, new(), null, 0, 0, appended, [], []));
    }

    [Fact]
    public async Task StreamsComeInPages()
    {
        foreach (string name in (string[])["a1", "a2", "a3", "b1"]) await store.OpenStreamAsync(name, null, Cancellation);
        Assert.Equal(["a1", "a2"], await NamesAsync("a", null, 2));
        Assert.Equal(["a3"], await NamesAsync("a", "a2", 2));
        Assert.Equal(["a1", "a2", "a3", "b1"], await NamesAsync("", null, 1000));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => NamesAsync("", null, 1001));
        var counting = new Counting(store);
        Assert.Equal(["b1"], await new StoreInspector(counting, clock).LookAllAsync(after: "a3", cancellation: Cancellation)
            .Select(static look => look.Name).ToListAsync(Cancellation));
        Assert.Equal(["b1"], counting.Streams);

        async Task<IEnumerable<string>> NamesAsync(string prefix, string? after, int max)
            => (await inspector.LookAsync(prefix, after, max, Cancellation)).Select(static look => look.Name);
    }

    [Fact]
    public async Task AMemberIsAliveWhileItsHeartbeatsChange()
    {
        await OpenAsync();
        Assert.Equal(("m", MemberStatus.NoHeartbeats, 1), await MemberAsync());
        await BeatAsync();
        Assert.Equal(("m", MemberStatus.Unknown, 1), await MemberAsync());
        clock.Advance(TimeSpan.FromSeconds(3));
        await BeatAsync();
        Assert.Equal(("m", MemberStatus.Alive, 1), await MemberAsync());
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(("m", MemberStatus.Alive, 1), await MemberAsync());
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(("m", MemberStatus.Unknown, 1), await MemberAsync());     // the store may have been away between the looks
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(("m", MemberStatus.Unknown, 1), await MemberAsync());
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(("m", MemberStatus.Silent, 1), await MemberAsync());
        await BeatAsync();
        Assert.Equal(("m", MemberStatus.Alive, 1), await MemberAsync());
        Assert.Null(await inspector.FindGroupAsync(new("orders", "nothing"), Cancellation));

        async Task<(string, MemberStatus, int)> MemberAsync()
        {
            MemberLook member = Assert.Single((await inspector.FindGroupAsync(Group, Cancellation))!.Members);
            return (member.Name, member.Status, member.Partitions);
        }

        async Task BeatAsync() => await store.HeartbeatAsync(new(Group, "m", "start-1", TimeSpan.FromSeconds(10)), Cancellation);
    }

    [Fact]
    public async Task TheOldestEntryIsTheOneThatIsNotSettled()
    {
        await OpenAsync();
        Assert.Null(await inspector.FindOldestAsync(Group, Cancellation));
        await AppendAsync(1);
        DateTimeOffset first = clock.GetUtcNow();
        clock.Advance(TimeSpan.FromMinutes(1));
        await AppendAsync(1);
        Assert.Equal(first, await inspector.FindOldestAsync(Group, Cancellation));
        await SettleAsync(1);
        Assert.Equal(first + TimeSpan.FromMinutes(1), await inspector.FindOldestAsync(Group, Cancellation));

        // Formerly an entry was forgotten as soon as it was leased for the second time.
        long sequence = (await LeaseAsync(1)).Span[0].Sequence;
        await store.CommitAsync(new(owner, ++commits) { Deferred = [new(sequence, 1, TimeSpan.Zero)] }, Cancellation);
        Assert.Equal(first + TimeSpan.FromMinutes(1), await inspector.FindOldestAsync(Group, Cancellation));
        await LeaseAsync(1);
        Assert.Equal(first + TimeSpan.FromMinutes(1), await inspector.FindOldestAsync(Group, Cancellation));
        Assert.Equal(1, (await inspector.FindGroupAsync(Group, Cancellation))!.Partitions.Sum(static one => one.MaxInFlight));
    }

    [Fact]
    public async Task DeadLettersAreFilteredAndFound()
    {
        await OpenAsync();
        await AppendAsync(5);
        await KillAsync(("check", "no price"), ("send", "Timeout"));
        clock.Advance(TimeSpan.FromHours(1));
        DateTimeOffset since = clock.GetUtcNow();
        await KillAsync(("check", "no name"), ("check", "No PRICE again"));

        Assert.Equal([1, 2, 3, 4], await NumbersAsync(null));
        Assert.Equal([1, 3, 4], await NumbersAsync(new() { Node = "check" }));
        Assert.Equal([1, 4], await NumbersAsync(new() { Error = "no price" }));
        Assert.Equal([3, 4], await NumbersAsync(new() { Since = since }));
        Assert.Equal([1], await NumbersAsync(new() { Node = "check", Before = since }));
        Assert.Equal([4], await NumbersAsync(new() { Error = "no price" }, after: 1));
        Assert.Equal([1], await NumbersAsync(new() { Error = "no price" }, max: 1));

        StoredDeadLetter second = (await inspector.FindDeadLetterAsync(Group, "2", Cancellation))!;
        Assert.Equal(("send", 2), (second.Node, second.Root));
        Assert.Equal(2, (await inspector.FindDeadLetterAsync(Group, second.Entry.IdIn("orders", 0).ToString(), Cancellation))!.Number);
        foreach (string missing in (string[])["0", "5", "orders/0/5@1", "x", ""])
            Assert.Null(await inspector.FindDeadLetterAsync(Group, missing, Cancellation));
        string id = second.Entry.IdIn("orders", 0).ToString();
        Assert.Equal([("4", 4), (id, 2)], await inspector.FindDeadLettersAsync(Group, ["x", id, "4", "0", "5", "", id], Cancellation)
            .Select(static found => (found.Id, found.Letter.Number)).ToListAsync(Cancellation));

        async Task<IEnumerable<long>> NumbersAsync(DeadLetterFilter? filter, long after = 0, int max = 100)
            => (await inspector.ListDeadLettersAsync(Group, filter, after, max, Cancellation)).Select(static letter => letter.Number);
    }

    /// <summary>After the first hundred, letters of 200,000 bytes are read a few at a time, and small ones many at a time; each comes
    /// once.</summary>
    [Theory]
    [InlineData(200, 200_000)]
    [InlineData(2_500, 10)]
    public async Task LettersAreReadSomeMegabytesAtATime(int count, int length)
    {
        await OpenAsync();
        int step = length > 1_000 ? 4 : 20;                      // a lease has a megabyte at most
        for (int made = 0; made < count; made += step)
        {
            using (var batch = new EntryBatch())
            {
                for (int i = 0; i < step; i++) batch.Add(new byte[length]);
                appended = (await store.AppendAsync(new("orders", "p", 0, appended + 1, batch), Cancellation)).Last;
            }
            await KillAsync([.. Enumerable.Repeat(("check", "no price"), step)]);
        }
        var counting = new Counting(store);
        var reader = new StoreInspector(counting, clock);
        Assert.Equal(Enumerable.Range(1, count).Select(static number => (long)number), await reader.ReadDeadLettersAsync(Group,
            cancellation: Cancellation).Select(static letter => letter.Number).ToListAsync(Cancellation));
        Assert.InRange(counting.Pages[0], 1, 100 * length);
        Assert.All(counting.Pages.Skip(1), static bytes => Assert.InRange(bytes, 0, 8 << 20));
        Assert.InRange(counting.Pages.Count, 1, 5);
        Assert.Equal([count], await reader.ReadDeadLettersAsync(Group, after: count - 1, cancellation: Cancellation)
            .Select(static letter => (int)letter.Number).ToListAsync(Cancellation));
    }

    private sealed class Counting(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        /// <summary>The bytes of each page.</summary>
        public List<long> Pages { get; } = [];

        /// <summary>The streams that were looked at.</summary>
        public List<string> Streams { get; } = [];

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        {
            Streams.Add(stream);
            return base.FindStreamAsync(stream, cancellation);
        }

        public override async ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node = null, long after = 0,
            int max = 100, CancellationToken cancellation = default)
        {
            IReadOnlyList<StoredDeadLetter> page = await base.ListDeadAsync(group, node, after, max, cancellation);
            Pages.Add(page.Sum(static letter => (long)letter.Entry.Payload.Length));
            return page;
        }
    }

    private async Task OpenAsync()
    {
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Group, StreamStart.First, Cancellation);
        owner = (await store.AcquireAsync(Group, 0, new("m"), Cancellation)).Ownership;
    }

    private async Task AppendAsync(int count)
    {
        using var batch = new EntryBatch();
        for (int i = 0; i < count; i++) batch.Add([1]);
        appended = (await store.AppendAsync(new("orders", "p", 0, appended + 1, batch), Cancellation)).Last;
    }

    private async Task<ReadOnlyMemory<Entry>> LeaseAsync(int count)
        => (await store.LeaseAsync(new([owner]) { MaxItems = count }, Cancellation)).Batches[0].Entries;

    private async Task SettleAsync(int count)
    {
        ReadOnlyMemory<Entry> entries = await LeaseAsync(count);
        await store.CommitAsync(new(owner, ++commits) { Settled = [new(entries.Span[0].Sequence, entries.Span[^1].Sequence)] },
            Cancellation);
    }

    private async Task KillAsync(params (string Node, string Error)[] failures)
    {
        ReadOnlyMemory<Entry> entries = await LeaseAsync(failures.Length);
        long first = entries.Span[0].Sequence;
        await store.CommitAsync(new(owner, ++commits)
        {
            Settled = [new(first, entries.Span[^1].Sequence)],
            Dead = [.. failures.Select((failure, i) => new DeadLetterWrite(first + i, failure.Node, failure.Error, 1))],
        }, Cancellation);
    }
}

using Sluice.Dashboard.Sampling;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>A look that has begun before a change is not shown after it.</summary>
public sealed class StoreSamplerTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly MemoryStreamStore store = new();
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AfterAChangeThePageWaitsForALookThatBeganBehindIt()
    {
        var late = new LateStore(store);
        var sampler = new StoreSampler(new("store", late), new() { Time = clock });
        Task<StoreSample> before = sampler.LookAsync(Patience, Cancellation);
        await late.HasRead.Task.WaitAsync(Cancellation);
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        sampler.LookAgain();
        Task<StoreSample> after = sampler.LookAsync(Patience, Cancellation), beside = sampler.LookAsync(Patience, Cancellation);
        late.MayAnswer.SetResult();
        await before;
        Assert.Equal(["orders"], (await after).Streams.Keys);
        Assert.Equal(["orders"], (await beside).Streams.Keys);
        Assert.Equal(2, late.Lists);
        Assert.Equal(["orders"], (await sampler.LookAsync(Patience, Cancellation)).Streams.Keys);
        Assert.Equal(2, late.Lists);
    }

    /// <summary>Damage in one stream hides no other stream, and its reason is kept.</summary>
    [Fact]
    public async Task AnEntryThatCannotBeReadHidesNothingElse()
    {
        foreach (string name in (string[])["a", "b"])
        {
            await store.OpenStreamAsync(name, new() { Partitions = 1 }, Cancellation);
            await store.AddGroupAsync(new(name, name), cancellation: Cancellation);
            using var entries = new EntryBatch();
            entries.Add("1"u8);
            await store.AppendAsync(new(name, "p", 0, 1, entries), Cancellation);
        }
        StoreSample sample = await new StoreSampler(new("store", new DamagedStore(store)), new() { Time = clock })
            .LookAsync(Patience, Cancellation);
        Assert.Null(sample.Problem);
        Assert.Equal(["a", "b"], sample.Streams.Keys.Order());
        Assert.Equal((null, "The entry a/0/1 is damaged."), (sample.Groups[new("a", "a")].Oldest, sample.Groups[new("a", "a")].Problem));
        Assert.NotNull(sample.Groups[new("b", "b")].Oldest);
    }

    /// <summary>Members are looked up by each look, also those of a stream whose turn it is not.</summary>
    [Fact]
    public async Task DamageOfMembersThatIsGoneIsNotKeptUntilTheTurnOfTheStream()
    {
        for (int i = 0; i < StoreSampler.MaxStreams + 10; i++)
            await store.OpenStreamAsync($"s{i:00000}", new() { Partitions = 1 }, Cancellation);
        // The second look begins behind the first 5,000 streams, and goes round up to this one.
        string stream = $"s{StoreSampler.MaxStreams - 3:00000}";
        await store.AddGroupAsync(new(stream, "readers"), cancellation: Cancellation);
        var damaged = new DamagedMembers(store) { IsDamaged = true };
        var sampler = new StoreSampler(new("store", damaged), new() { Time = clock });
        Assert.Equal([stream], (await sampler.LookAsync(Patience, Cancellation)).Damage.Keys);
        damaged.IsDamaged = false;
        clock.Advance(TimeSpan.FromMinutes(1));
        StoreSample sample = await sampler.LookAsync(Patience, Cancellation);
        Assert.Equal((0, 1, 1), (sample.Damage.Count, sample.Groups.Count, damaged.Finds));
    }

    /// <summary>A look that has taken a second is the last one for a while, and the store is asked nevertheless.</summary>
    [Fact]
    public async Task AStoreThatEndsBetweenTwoLooksIsSeenSoonAndSoIsItsReturn()
    {
        var mortal = new MortalStore(store, clock);
        var sampler = new StoreSampler(new("store", mortal), new() { Time = clock });
        Assert.Null((await sampler.LookAsync(Patience, Cancellation)).Problem);
        clock.Advance(TimeSpan.FromSeconds(5));
        StoreSample quiet = await sampler.LookAsync(Patience, Cancellation);
        Assert.Equal((null, 1, TimeSpan.FromSeconds(5)), (quiet.Problem, mortal.Lists, quiet.AnsweredAt - quiet.At));

        mortal.IsDead = true;
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("gone", (await sampler.LookAsync(Patience, Cancellation)).Problem);
        mortal.IsDead = false;
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null((await sampler.LookAsync(Patience, Cancellation)).Problem);
        Assert.Equal(2, mortal.Lists);
    }

    private sealed class MortalStore(IStreamStore inner, TestClock clock) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public bool IsDead { get; set; }

        public int Lists { get; private set; }

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (IsDead) throw new StreamStoreException("gone");
            if (name != nameof(ListStreamsAsync)) return await call();
            Lists++;
            clock.Advance(TimeSpan.FromSeconds(1));
            return await call();
        }
    }

    private sealed class DamagedMembers(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int finds;

        public bool IsDamaged { get; set; }

        /// <summary>How often the stream with the group was looked at.</summary>
        public int Finds => finds;

        public override async ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        {
            StreamInfo? found = await base.FindStreamAsync(stream, cancellation);
            if (found is { Groups.Count: > 0 }) Interlocked.Increment(ref finds);
            return found;
        }

        public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
            => !IsDamaged ? base.FindGroupAsync(group, cancellation)
                : throw new StreamStoreException("The row is damaged.") { Stream = group.Stream, IsPermanent = true };
    }

    private sealed class DamagedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
            => request.Stream != "a" ? base.ReadAsync(request, cancellation)
                : throw new StreamStoreException("The entry a/0/1 is damaged.") { IsPermanent = true };
    }

    /// <summary>The first list of streams is read at once, and answered when the test says so.</summary>
    private sealed class LateStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int lists;

        public TaskCompletionSource HasRead { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public TaskCompletionSource MayAnswer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public int Lists => lists;

        public override async ValueTask<IReadOnlyList<string>> ListStreamsAsync(
            string prefix = "", CancellationToken cancellation = default)
        {
            IReadOnlyList<string> all = await base.ListStreamsAsync(prefix, cancellation);
            if (Interlocked.Increment(ref lists) > 1) return all;
            HasRead.SetResult();
            await MayAnswer.Task.WaitAsync(cancellation);
            return all;
        }
    }
}

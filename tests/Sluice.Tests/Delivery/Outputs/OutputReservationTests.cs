using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Outputs that wait for a place in a full stream while the store does not answer.</summary>
public class OutputReservationTests
{
    private const int Bound = 10, InFlight = 7;

    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFailedWaitForRoomIsNotChargedToTheItem()
    {
        await using var store = new UnsureStore(new MemoryStreamStore(clock)) { WaitsToFail = 5 };
        await using Consecutor<int> first = First(store), second = Second(store);
        first.Output<int>("out").To(second, OutputMode.Blocking);
        await first.SendAllAsync([.. Enumerable.Range(0, 50)], Cancellation);
        await first.StartAsync(Cancellation);
        await PassAsync(() => store.WaitsToFail <= 0);
        await second.StartAsync(Cancellation);
        ConsecutorSnapshot end = await IdleAsync(first);
        Assert.True(end is { Completed: 50, Cancelled: 0, Unaccounted: 0 }, $"{end}");
        Assert.Equal(50, (await IdleAsync(second)).Completed);
    }

    [Fact]
    public async Task AReservationWithALostAnswerIsGivenBack()
    {
        await using var store = new UnsureStore(new MemoryStreamStore(clock)) { AnswersToLose = 5 };
        await using Consecutor<int> first = First(store), second = Second(store);
        first.Output<int>("out").To(second, OutputMode.Blocking);
        await second.StartAsync(Cancellation);
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Range(0, 50)], Cancellation);
        Assert.Equal(50, (await IdleAsync(first)).Completed);
        Assert.Equal(50, (await IdleAsync(second)).Completed);
        Assert.True(store.AnswersToLose <= 0);
        Assert.True(await HasRoomAsync(store));
    }

    /// <summary>The store executes a call after the time limit of the attempt has ended its wait, and after the commit of the item. Later
    /// commits of the partition give the place back.</summary>
    [Fact]
    public async Task AReservationThatTheTimeLimitOfAnAttemptHasGivenUpIsGivenBack()
    {
        await using var store = new UnsureStore(new MemoryStreamStore(clock)) { CallsToDelay = 5 };
        await using var first = new Consecutor<int>("first", source => source
            // The clock may outrun attempts whose threads wait for a processor: these exceed their time as often as it does.
            | Sink.Output<int>("out") | Stage.Timeout(TimeSpan.FromSeconds(2)) | Stage.Retry(1000), Options(store, 1000));
        await using Consecutor<int> second = Second(store);
        first.Output<int>("out").To(second, OutputMode.Blocking);
        await second.StartAsync(Cancellation);
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Range(0, 50)], Cancellation);
        Assert.Equal(50, (await IdleAsync(first)).Completed);
        Assert.Equal(50, (await IdleAsync(second)).Completed);
        Assert.True(store.CallsToDelay <= 0);
        int sent = await SendUntilRoomAsync(1);
        await PassAsync(() => second.Snapshot().Completed == 50 + sent + Bound);
        store.LateCallsMayRun.SetResult();
        await PassAsync(() => store.LateCalls == 5);         // their threads may wait for a processor for longer than some items take
        await SendUntilRoomAsync(1 + Bound);

        // The store may have executed other calls late, too.
        async Task<int> SendUntilRoomAsync(long number)
        {
            for (int i = 0; i < 100; i++)
            {
                if (await HasRoomAsync(store, number)) return i;
                await first.SendAsync(i, Cancellation);
                await IdleAsync(first);
                await IdleAsync(second);
            }
            throw new InvalidOperationException("Places are not given back.");
        }
    }

    /// <summary>As where an owner has places in too many streams. A repetition would be refused, too. The output waits only while the
    /// stream is full: each item in flight may add one.</summary>
    [Fact]
    public async Task AnOutputWhosePlaceIsRefusedForGoodGoesOnWithoutOne()
    {
        await using var store = new UnsureStore(new MemoryStreamStore(clock)) { RefusesPlaces = true };
        await using Consecutor<int> first = First(store), second = Second(store);
        first.Output<int>("out").To(second, OutputMode.Blocking);
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([.. Enumerable.Range(0, 50)], Cancellation);
        await PassAsync(() => store.Refused >= 100);
        Assert.InRange((await store.FindStreamAsync("second", Cancellation))!.Items, Bound, Bound + InFlight);
        Assert.Contains("waits for a place", first.Snapshot().Problem, StringComparison.Ordinal);

        await second.StartAsync(Cancellation);
        ConsecutorSnapshot end = await IdleAsync(first);
        Assert.True(end is { Completed: 50, Dead: 0, Unaccounted: 0 }, $"{end}");
        Assert.Equal(50, (await IdleAsync(second)).Completed);
    }

    /// <summary>If all places were given back, the stream has room for exactly the bound.</summary>
    /// <param name="store">The store.</param>
    /// <param name="first">The number of the first item that is appended.</param>
    private static async Task<bool> HasRoomAsync(UnsureStore store, long first = 1)
    {
        using var batch = new EntryBatch();
        for (int i = 0; i < Bound; i++) batch.Add("1"u8);
        return (await store.AppendAsync(new("second", "test", 0, first, batch), Cancellation)).Status == AppendStatus.Accepted;
    }

    private Consecutor<int> First(IStreamStore store) => new("first", source => source | Sink.Output<int>("out"), Options(store, 1000));

    private Consecutor<int> Second(IStreamStore store) => new("second", source => source | (_ => { }), Options(store, Bound));

    private ConsecutorOptions Options(IStreamStore store, int bound) => new()
    {
        Store = store,
        MaxInFlight = InFlight,
        Delivery = DeliveryGuarantee.Confirm,
        Stream = new() { Partitions = 1, MaxItems = bound },
        Run = new() { Time = clock },
        Process = new(),
    };

    private async Task<ConsecutorSnapshot> IdleAsync(Consecutor<int> consecutor)
    {
        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
        await PassAsync(() => idle.IsCompleted);
        return await idle;
    }

    private async Task PassAsync(Func<bool> isReached)
    {
        for (int i = 0; !isReached(); i++)
        {
            if (i % 50 == 49) clock.Advance(TimeSpan.FromMilliseconds(500));
            await Member.NextAsync();
        }
    }

    private sealed class UnsureStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private int waits, answers, refused, delayed, late;

        public TaskCompletionSource LateCallsMayRun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>How many of the delayed calls have been executed.</summary>
        public int LateCalls => Volatile.Read(ref late);

        public bool RefusesPlaces { get; init; }

        public int Refused => Volatile.Read(ref refused);

        public int WaitsToFail
        {
            get => Volatile.Read(ref waits);
            set => waits = value;
        }

        public int AnswersToLose
        {
            get => Volatile.Read(ref answers);
            set => answers = value;
        }

        /// <summary>How many reservations are made only when <see cref="LateCallsMayRun"/> completes.</summary>
        public int CallsToDelay
        {
            get => Volatile.Read(ref delayed);
            set => delayed = value;
        }

        public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
            => stream == "second" && Interlocked.Decrement(ref waits) >= 0 ? throw new StreamStoreException("The connection is cut.")
            : base.WaitForChangeAsync(stream, after, cancellation);

        public override async ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
            CancellationToken cancellation = default)
        {
            if (RefusesPlaces)
            {
                Interlocked.Increment(ref refused);
                throw new StreamStoreException("There are too many.") { IsPermanent = true };
            }
            if (Interlocked.Decrement(ref delayed) >= 0)
            {
                await LateCallsMayRun.Task;
                ReserveStatus made = await base.ReserveAsync(owner, stream, items, bytes, CancellationToken.None);
                Interlocked.Increment(ref late);
                return made;
            }
            ReserveStatus status = await base.ReserveAsync(owner, stream, items, bytes, cancellation);
            return Interlocked.Decrement(ref answers) >= 0 ? throw new StreamStoreException("The answer was lost.") : status;
        }
    }
}

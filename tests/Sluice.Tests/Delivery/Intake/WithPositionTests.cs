using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A producer that resumes from its own positions, in a process that dies at each call of the store in turn.</summary>
public class WithPositionTests
{
    private const int Length = 60;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EachItemIsAcceptedOnceWhereverTheProcessDies()
    {
        int calls = await RunAsync(int.MaxValue, Moment.After);
        Assert.True(calls > 10, $"{calls} calls");
        for (int at = 1; at <= calls; at++)
            foreach (Moment moment in MortalStore.MomentsAt(at)) await RunAsync(at, moment);
    }

    [Fact]
    public async Task AResumedRunLeavesOutNoItemAfterAFailedAppend()
    {
        await using var inner = new MemoryStreamStore();
        await using var store = new FailingAppends(inner);
        var ledger = new Ledger();
        await using var consecutor = new Consecutor<int>("work", source => source | ledger.Sink<int>(),
            new() { Store = store, Stream = new() { Partitions = 2 } });
        await consecutor.StartAsync(Cancellation);
        await Assert.ThrowsAnyAsync<Exception>(() =>
            (Source.Resumable<int>("tape", ReadAsync) | consecutor).RunAsync(cancellation: Cancellation));
        await (Source.Resumable<int>("tape", ReadAsync) | consecutor).RunAsync(cancellation: Cancellation);
        Assert.Equal((Length, Length), ((await consecutor.WaitForIdleAsync(Cancellation)).Accepted, consecutor.Snapshot().Completed));
        Assert.Equal(Enumerable.Range(0, Length).Select(n => $"{n}").Order(StringComparer.Ordinal),
            ledger.Lines.Order(StringComparer.Ordinal));
    }

    private static async Task<int> RunAsync(int dieAt, Moment moment)
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        var mortal = new MortalStore(store, dieAt, moment);
        Consecutor<int> first = New(mortal);
        await mortal.OutliveAsync(first, WorkAsync(first));
        await using Consecutor<int> second = New(store);
        await WorkAsync(second);
        ConsecutorSnapshot end = second.Snapshot();
        Assert.Equal((Length, Length, 0L), (end.Accepted, end.Completed, end.Unaccounted));
        Assert.Equal(Enumerable.Range(0, Length).Select(n => $"{n}").Order(StringComparer.Ordinal),
            ledger.Lines.Order(StringComparer.Ordinal));
        return mortal.Calls;

        Consecutor<int> New(IStreamStore itsStore) => new("work", source => source | ledger.Sink<int>(),
            new() { Store = itsStore, MaxInFlight = 16, Stream = new() { Partitions = 2, MaxItems = 20 }, Process = new() });
    }

    private static async Task WorkAsync(Consecutor<int> consecutor)
    {
        await consecutor.StartAsync(Cancellation);

        // Every third number becomes three items, the others none: a position may lie between the items of one number.
        await (Source.Resumable<int>("tape", ReadAsync) | Unfold | consecutor).RunAsync(cancellation: Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
    }

    private static IEnumerable<int> Unfold(int n) => n % 3 == 0 ? [n, n + 1, n + 2] : [];

    /// <summary>Reads a tape from a position; positions are not item numbers.</summary>
    private static async IAsyncEnumerable<WithPosition<int>> ReadAsync(ReadOnlyMemory<byte> position,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        int place = position.IsEmpty ? 1000 : BinaryPrimitives.ReadInt32BigEndian(position.Span);
        Assert.Equal(0, place % 10);
        for (; place < 1000 + (Length * 10); place += 10)
        {
            cancellation.ThrowIfCancellationRequested();
            if (place % 70 == 0) await Task.Yield();
            byte[] next = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32BigEndian(next, place + 10);
            yield return new((place - 1000) / 10, next);
        }
    }

    /// <summary>Fails until the retries of one append are used up, then works.</summary>
    private sealed class FailingAppends(IStreamStore inner) : Sluice.Storage.StreamStoreWrapper(inner, leaveOpen: true)
    {
        private const int First = 2, Last = 6;          // as many as one append is tried; there may be few, each of many items

        private int calls;

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            await Task.Yield();                      // so that the next append is filled meanwhile
            return Interlocked.Increment(ref calls) is >= First and <= Last ? throw new StreamStoreException("no answer")
                : await Inner.AppendAsync(request, cancellation);
        }
    }
}

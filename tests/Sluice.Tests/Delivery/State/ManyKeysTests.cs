using Sluice.Diagnostics;
using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>More keys than are read when a partition is acquired.</summary>
public class ManyKeysTests
{
    private const int Keys = 50_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public async Task EachOfManyKeysKeepsItsStateAfterACrash(int partitions, bool isInside)
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(store, partitions, [.. Enumerable.Range(0, Keys)]);

        // One more item of each key; the process dies in the middle, and has to read most of the state first.
        int[] again = [.. Enumerable.Range(0, Keys).OrderBy(static n => (n * 7919L) % Keys)];
        var mortal = new MortalStore(store, 150, isInside ? Moment.Inside : Moment.After);
        Consecutor<int> dying = Make(mortal, partitions);
        await dying.StartAsync(Cancellation);
        Task sending = dying.SendAllAsync(again, Cancellation).AsTask();
        await mortal.Died.WaitAsync(Cancellation);
        await dying.AbandonAsync();
        await sending.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.None,
            TaskScheduler.Default);
        await using Consecutor<int> last = Make(store, partitions);
        await last.StartAsync(Cancellation);
        ConsecutorSnapshot end = await last.WaitForIdleAsync(Cancellation);
        Assert.Equal((0L, 0L), (end.Dead, end.Unaccounted));
        await last.SendAllAsync(again, Cancellation);
        await last.WaitForIdleAsync(Cancellation);
        await last.StopAsync();

        int accepted = 0;
        HashSet<string> seen = [];
        await foreach (var (key, state) in last.ListStateAsync<Seen>("count", Cancellation))
        {
            Assert.True(seen.Add(key));
            Assert.Equal(long.Parse(key) * state.Times, state.Sum);
            Assert.InRange(state.Times, 2, 3);
            accepted += state.Times;
        }
        Assert.Equal(Keys, seen.Count);
        // Compared with the store, not with the counts: an append of the dead process may arrive at any time.
        Assert.Equal((await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions.Sum(static partition => partition.Tail),
            accepted);
    }

    [Fact]
    public async Task StateOfManyKeysIsEvictedAndReadAgain()
    {
        var memory = new StateMemory(1_000_000);
        var cells = new StateCells<int>(new(0, "Count", static _ => 0, static _ => 0), memory);
        var rows = new Dictionary<string, int>();
        int reads = 0;
        cells.ReadWith((key, enter) =>
        {
            reads++;
            enter(new Row(key, rows));
            return default;
        });
        cells.Begin();
        for (int n = 0; n <= 100_000; n++)
        {
            StateCells<int>.Cell cell = cells.Find($"{n}")!;
            cell.Value = n;
            cells.Change(cell);
        }
        Assert.Equal(100_001, cells.Keys.Length);
        cells.Save(new Rows(rows));
        Assert.InRange(memory.Bytes, 20_000_001, long.MaxValue);
        memory.Trim();
        Assert.InRange(memory.Bytes, 1, memory.MaxBytes);
        Assert.InRange(cells.Keys.Length, 1_000, 5_000);
        Assert.Equal(100_001, rows.Count);

        // Those that were used last are in memory.
        cells.Begin();
        Assert.Equal(100_000, cells.Find("100000")!.Value);
        Assert.Null(cells.Find("7"));
        Assert.Equal(7, (await cells.ReadAsync("7")).Value);
        Assert.Equal(7, cells.Find("7")!.Value);
        Assert.Equal(0, (await cells.ReadAsync("new")).Value);
        Assert.Equal(2, reads);
    }

    private static async Task LiveAsync(IStreamStore store, int partitions, IReadOnlyList<int> items)
    {
        await using Consecutor<int> consecutor = Make(store, partitions);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(items, Cancellation);
        Assert.Equal(items.Count, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
    }

    private static Consecutor<int> Make(IStreamStore store, int partitions)
        => new("work", source => source | StageNode.Of(() => new Count()) | Stage.Named("count") | (_ => { }),
        new()
        {
            Store = store,
            Stream = new() { Partitions = partitions, MaxItems = 2 * Keys },
            Delivery = DeliveryGuarantee.Replay(9, Backoff.None),
            Process = new(),
            InstanceId = "one"
        })
        { Key = static n => $"{n}" };

    private sealed record Seen(int Times, long Sum);

    private sealed class Count : StatefulStageNode<int, int, Seen>
    {
        protected override Seen InitialState(string key) => new(0, 0);

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State = new(State.Times + 1, State.Sum + item);
            return output.PushAsync(item);
        }
    }

    private sealed class Rows(Dictionary<string, int> rows) : StateWriter
    {
        public override int Put<T>(string key, T value, int version = 0)
        {
            rows[key] = (int)(object)value!;
            return 4;
        }

        public override int PutMany<T>(string key, ReadOnlySpan<T> values) => throw new NotSupportedException();

        public override int PutMany<T>(string key, ReadOnlySpan<long> numbers, ReadOnlySpan<T> values) => throw new NotSupportedException();

        public override int PutBytes(string key, byte[] value) => throw new NotSupportedException();

        public override void Delete(string key) => rows.Remove(key);
    }

    private sealed class Row(string name, Dictionary<string, int> rows) : StateReader
    {
        public override IReadOnlyList<string> Keys => Has(name) ? [name] : [];

        public override bool IsComplete => true;

        public override T Get<T>(string key) => (T)(object)rows[key];

        public override List<T> GetMany<T>(string key) => throw new NotSupportedException();

        public override List<T> GetMany<T>(string key, out long[] numbers) => throw new NotSupportedException();

        public override (ReadOnlyMemory<byte> Bytes, int Version) Stored(string key) => (default, 0);

        public override bool Has(string key) => rows.ContainsKey(key);
    }
}

using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A value that cannot be written: the item that has brought it fails, is tried again and dies with the reason; every other item
/// goes through.</summary>
public class UnwritableStateTests
{
    private const int Items = 8, Bad = 3;

    private readonly Ledger ledger = new();
    private int starts;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> OperatorsAndValues()
    {
        string[] operators = ["node", "scan", "distinct", "chunk", "timed chunk", "group", "window", "event window", "session", "aggregate",
            "join", "zip"];
        var all = new TheoryData<string, string>();
        foreach (string one in operators)
            foreach (string value in new[] { "not a number", "a cycle", "its serializer throws", "a huge row" })
                if (value != "a huge row" || one is not "distinct") all.Add(one, value);
        return all;
    }

    [Theory]
    [MemberData(nameof(OperatorsAndValues))]
    public async Task AnItemWithAnUnwritableValueDiesAloneInEachOperator(string kind, string value)
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> consecutor = Make(store, source => Op(kind, source | (n => Made(n, value))) | ledger.Sink<string>());
        ConsecutorSnapshot end = await RunAsync(consecutor);

        Assert.Equal((Items, 1L, 0L, null), (end.Accepted, end.Dead, end.Unaccounted, end.Problem));
        DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(Bad, letter.Item);
        if (value != "a huge row")
        {
            Assert.Equal("op", letter.Node);
            Assert.Contains("What 'op' remembers", letter.Error, StringComparison.Ordinal);
            Assert.Contains("cannot be written", letter.Error, StringComparison.Ordinal);
            Assert.Equal(2, letter.Attempts);
            Assert.Equal(2, starts);
        }
        Assert.Equal(Expected(kind), Sorted(ledger.Lines));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStateThatCouldNotBeStoredIsRefusedWhenTheConsecutorIsMade(bool isScan)
    {
        await using var store = new MemoryStreamStore();
        var failure = Assert.Throws<PayloadException>(() => new Consecutor<int>("work",
            source => (isScan
                ? source.Scan<int, Func<int>?>(null, static (_, n) => () => n) | Stage.Named("op") | (f => f!())
                : source | StageNode.Of(static () => new Remembering()) | Stage.Named("op"))
                | ledger.Sink<int>(), new() { Store = store }));
        Assert.StartsWith("The consecutor work cannot store what 'op' remembers. The type Func<int> would not come back",
            failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "U+0000")]
    [InlineData(0xD83D, "half of a character")]
    public async Task AnUnstorableKeyFailsOnlyItsItem(int letter, string why)
    {
        string key = $"a{(char)letter}";
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> consecutor = Make(store,
            source => source | Stage.KeyBy<int, string>(n => n == Bad ? key : $"k{n}") | StageNode.Of(static () => new Counted())
                | Stage.Named("op") | ledger.Sink<string>());
        ConsecutorSnapshot end = await RunAsync(consecutor);
        Assert.Equal((Items, 1L, 0L), (end.Accepted, end.Dead, end.Unaccounted));
        DeadLetter dead = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal((Bad, "op"), (dead.Item, dead.Node));
        Assert.Contains(why, dead.Error, StringComparison.Ordinal);
        Assert.Equal(Items - 1, ledger.Lines.Count);
    }

    /// <summary>The state of one key beside the item that has changed it: its limit, and who is told.</summary>
    [Theory]
    [InlineData(1_000_000, null)]
    [InlineData(1_100_000, "The state of the node 'texts' under the key 'k' has 1,100,002 bytes; the state that one item changes has at "
        + "most 1,048,576 bytes. Keep less under one key")]
    public async Task AStateThatIsTooLargeIsNamedWithItsSize(int length, string? why)
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> consecutor = Make(store,
            source => source | Stage.KeyBy<int, string>(static _ => "k") | StageNode.Of(static () => new LongText()) | Stage.Named("texts")
                | (static _ => { }));
        await consecutor.SendAsync(length, Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(why is null ? 0 : 1, end.Dead);
        if (why is null) return;
        DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal("texts", letter.Node);
        Assert.Contains(why, letter.Error, StringComparison.Ordinal);
    }

    private sealed class LongText : StatefulStageNode<int, int, string?>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State = new string('x', item);
            return output.PushAsync(item);
        }
    }

    /// <summary>Of several bad items in one lease each is found, and what good ones have changed is there once.</summary>
    [Fact]
    public async Task EachOfManyUnwritableItemsIsDeadLettered()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> consecutor = Make(store,
            source => source.Scan(0.0, static (sum, n) => n % 7 == 0 ? double.NaN : sum + n) | Stage.Named("sum")
            | (sum => $"{sum}") | ledger.Sink<string>());
        await consecutor.SendAllAsync([.. Enumerable.Range(1, 200)], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((28L, 172L, 0L), (end.Dead, end.Completed, end.Unaccounted));
        double sum = 0;
        Assert.Equal(Enumerable.Range(1, 200).Where(static n => n % 7 != 0).Select(n => $"{sum += n}"), ledger.Lines);
    }

    private static Consecutor<int> Make(IStreamStore store, Func<Source<int>, Pipeline> build) => new("work", build, new()
    {
        Store = store,
        Process = new(),
        Delivery = Sluice.DeliveryGuarantee.Replay(1, Backoff.None),
        Stream = new() { Partitions = 1 },
        MaxInFlight = 1,                                // a commit for each item: what only passes by is not written
    });

    private static async Task<ConsecutorSnapshot> RunAsync(Consecutor<int> consecutor)
    {
        await consecutor.SendAllAsync([.. Enumerable.Range(1, Items)], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.True(await consecutor.StopAsync());
        await consecutor.Completion;
        return end;
    }

    private Thing Made(int number, string value)
    {
        var thing = new Thing { Number = number };
        if (number != Bad) return thing;
        Interlocked.Increment(ref starts);
        if (value == "not a number") thing.Value = double.NaN;
        else if (value == "a cycle") thing.Others.Add(thing.Box = new() { Inner = thing });
        else if (value == "its serializer throws") thing.Secret = new() { Throws = true };
        else thing.Text = new string('x', 2 * StoreCommit.MaxBytes);
        return thing;
    }

    private static Source<string> Op(string kind, Source<Thing> things) => kind switch
    {
        "node" => things | StageNode.Of(static () => new Latest()) | Op(),
        "scan" => things.Scan(new Thing(), static (_, thing) => thing) | Op() | (static thing => $"{thing.Number}"),
        "distinct" => things.Distinct() | Op() | (static thing => $"{thing.Number}"),
        "chunk" => things.Chunk(4) | Op() | Text,
        "timed chunk" => things.Chunk(4, within: TimeSpan.FromDays(1)) | Op() | Text,
        "group" => things.GroupBy(static thing => thing.Number / 5) | Op() | (static group => Text(group.Items)),
        "window" => things.Window(TimeSpan.FromDays(36_500)) | Op() | (static window => Text(window.Items)),
        "event window" => things.Window(new EventTime<Thing>(static thing => DateTimeOffset.UnixEpoch.AddMinutes(thing.Number)),
            TimeSpan.FromHours(1)) | Op() | (static window => Text(window.Items)),
        "session" => things.SessionWindow(TimeSpan.FromDays(1), TimeSpan.FromDays(2)) | Op() | (static window => Text(window.Items)),
        "aggregate" => things.Aggregate(new Thing(), static (_, thing) => thing) | Op() | (static thing => $"{thing.Number}"),
        "join" => things.Join(left => left.Where(static thing => thing.Number != 4),
            right => right.Where(static thing => thing.Number == 4), static _ => 0, static _ => 0,
            static (left, right) => $"{left.Number}", within: TimeSpan.FromDays(1)) | Op(),
        "zip" => things.Zip(left => left.Where(static thing => thing.Number <= 4), right => right.Where(static thing => thing.Number > 4),
            static (left, right) => $"{left.Number}-{right.Number}") | Op(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static StagePolicy Op() => Stage.Named("op");

    private static string Text(IReadOnlyList<Thing> things) => string.Join(',', things.Select(static thing => thing.Number));

    private static string[] Expected(string kind) => kind switch
    {
        "node" or "scan" or "distinct" => ["1", "2", "4", "5", "6", "7", "8"],
        "chunk" or "timed chunk" => ["1,2,4,5", "6,7,8"],
        "group" => ["1,2,4", "5,6,7,8"],
        "window" or "event window" or "session" => ["1,2,4,5,6,7,8"],
        "aggregate" => ["8"],
        "join" => ["1", "2", "5", "6", "7", "8"],
        "zip" => ["1-5", "2-6", "4-7"],
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static IEnumerable<string> Sorted(IEnumerable<string> lines) => lines.Order(StringComparer.Ordinal);

    /// <summary>Equal by number, so that a cycle does not break comparisons.</summary>
    public sealed class Thing : IEquatable<Thing>
    {
        public int Number { get; set; }

        public double Value { get; set; }

        public string Text { get; set; } = "";

        public List<Box> Others { get; set; } = [];

        public Box? Box { get; set; }

        public Secret? Secret { get; set; }

        public bool Equals(Thing? other) => other?.Number == Number;

        public override bool Equals(object? obj) => Equals(obj as Thing);

        public override int GetHashCode() => Number;
    }

    public sealed class Box
    {
        public Thing? Inner { get; set; }
    }

    [System.Text.Json.Serialization.JsonConverter(typeof(SecretConverter))]
    public sealed class Secret
    {
        public bool Throws { get; set; }
    }

    private sealed class SecretConverter : System.Text.Json.Serialization.JsonConverter<Secret>
    {
        public override Secret Read(ref System.Text.Json.Utf8JsonReader reader, Type typeToConvert,
            System.Text.Json.JsonSerializerOptions options)
        {
            reader.Skip();
            return new();
        }

        public override void Write(System.Text.Json.Utf8JsonWriter writer, Secret value, System.Text.Json.JsonSerializerOptions options)
            => throw new System.Security.Cryptography.CryptographicException("The key is gone.");
    }

    private sealed class Latest : StatefulStageNode<Thing, string, Thing?>
    {
        protected override ValueTask ProcessAsync(Thing item, Output<string> output, CancellationToken cancellation)
        {
            State = item;
            return output.PushAsync($"{item.Number}");
        }
    }

    private sealed class Counted : StatefulStageNode<int, string, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            State++;
            return output.PushAsync($"{item}:{State}");
        }
    }

    private sealed class Remembering : StatefulStageNode<int, int, Func<int>?>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State = () => item;
            return output.PushAsync(item);
        }
    }
}

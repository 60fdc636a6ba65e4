using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Types inside a pipeline that could not be stored are refused when the consecutor is made, not with each item.</summary>
public class UnstorableTypeTests
{
    [Theory]
    [InlineData("chunk")]
    [InlineData("timed chunk")]
    [InlineData("group")]
    [InlineData("window")]
    [InlineData("event window")]
    [InlineData("session")]
    [InlineData("scan")]
    [InlineData("aggregate")]
    [InlineData("distinct")]
    [InlineData("distinct by")]
    [InlineData("join, left")]
    [InlineData("join, right")]
    [InlineData("zip")]
    [InlineData("node")]
    [InlineData("chunk by key")]
    [InlineData("window by key")]
    public async Task WhatAStageKeepsIsChecked(string kind)
    {
        await using var store = new MemoryStreamStore();
        var failure = Assert.Throws<PayloadException>(() => new Consecutor<int>("work",
            source => Keep(kind, source | (static n => Lossy.Of(n))) | (_ => { }), new() { Store = store }));
        Assert.StartsWith("The consecutor work cannot store what 'op' remembers. The type Lossy would not come back", failure.Message,
            StringComparison.Ordinal);
        Assert.Contains("Lossy.Number can be read only", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatANodePutsOutIsChecked()
    {
        await using var store = new MemoryStreamStore();
        var failure = Assert.Throws<PayloadException>(() => new Consecutor<int>("work",
            source => source | StageNode.Of(static () => new Emitting()) | Op() | (static (Lossy _) => { }), new() { Store = store }));
        Assert.StartsWith("What op in the consecutor work puts out is stored as an item of its own where something behind it fails. The "
            + "type Lossy would not come back", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ValuesOfProcessorsAreCheckedWhenTheFunctionIsRegistered()
    {
        await using var supervisor = Supervisor.Attach(new MemoryStreamStore());
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        var counts = new Processor("counts") { Inputs = ["x"], Resume = ResumeMode.Checkpoint };
        const string Refusal = "The function of the processor work cannot be bound: its parameter ";
        const string Loss = "Lossy would not come back from its payload as it was: Lossy.Number can be read only";

        Refused(work, async (IO<Lossy> x, IOWriter<int> y) => await y.WriteAsync((await x.FirstAsync()).Number),
            $"{Refusal}x is an IO<Lossy>, and its values cannot be stored. The type {Loss}");
        Refused(work, async (IO<int> x, IOWriter<Lossy> y) => await y.WriteAsync(Lossy.Of(await x.FirstAsync())),
            $"{Refusal}y is an IOWriter<Lossy>, and its values cannot be stored. The type {Loss}");
        Refused(counts, async (IO<int> x, Checkpoint<Lossy> state) => await x.FirstAsync(),
            "The function of the processor counts cannot be bound: its parameter state is a Checkpoint<Lossy>, and its values cannot be "
                + $"stored. The type {Loss}");
        Refused(work, async (IO<int> x) => Lossy.Of(await x.FirstAsync()),
            $"The function of the processor work returns Task<Lossy>, whose value cannot be stored. The type {Loss}");

        void Refused(Processor processor, Delegate function, string why)
        {
            Assert.StartsWith(why, Assert.Throws<ArgumentException>(() => supervisor.Register(processor, function)).Message,
                StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => supervisor.Register(new ProcessorFunctions { { processor, function } }));
        }
    }

    private static Source<string> Keep(string kind, Source<Lossy> source) => kind switch
    {
        "chunk" => source.Chunk(2) | Op() | Text,
        "timed chunk" => source.Chunk(2, within: TimeSpan.FromDays(1)) | Op() | Text,
        "chunk by key" => (source | Stage.KeyBy(static (Lossy one) => one.Number)).Chunk(2) | Op() | Text,
        "window by key" => (source | Stage.KeyBy(static (Lossy one) => one.Number)).Window(TimeSpan.FromDays(1), maxItems: 2) | Op()
            | (static window => Text(window.Items)),
        "group" => source.GroupBy(static one => one.Number) | Op() | (static group => Text(group.Items)),
        "window" => source.Window(TimeSpan.FromDays(1)) | Op() | (static window => Text(window.Items)),
        "event window" => source.Window(new EventTime<Lossy>(static _ => DateTimeOffset.UnixEpoch), TimeSpan.FromHours(1)) | Op()
            | (static window => Text(window.Items)),
        "session" => source.SessionWindow(TimeSpan.FromDays(1), TimeSpan.FromDays(2)) | Op() | (static window => Text(window.Items)),
        "scan" => source.Scan(Lossy.Of(0), static (_, one) => one) | Op() | (static one => $"{one.Number}"),
        "aggregate" => source.Aggregate(Lossy.Of(0), static (_, one) => one) | Op() | (static one => $"{one.Number}"),
        "distinct" => source.Distinct() | Op() | (static one => $"{one.Number}"),
        "distinct by" => source.DistinctBy(static one => one) | Op() | (static one => $"{one.Number}"),
        "join, left" => source.Join(left => left, right => right | (static one => one.Number), static one => one.Number, static n => n,
            static (_, _) => "", within: TimeSpan.FromDays(1)) | Op(),
        "join, right" => source.Join(left => left | (static one => one.Number), right => right, static n => n, static one => one.Number,
            static (_, _) => "", within: TimeSpan.FromDays(1)) | Op(),
        "zip" => source.Zip(left => left, right => right, static (_, _) => "") | Op(),
        "node" => source | StageNode.Of(static () => new Keeping()) | Op(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static StagePolicy Op() => Stage.Named("op");

    private static string Text(IReadOnlyList<Lossy> some) => $"{some.Count}";

    public sealed class Lossy
    {
        public int Number { get; private set; }

        public static Lossy Of(int number) => new() { Number = number };
    }

    private sealed class Emitting : StatefulStageNode<int, Lossy, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<Lossy> output, CancellationToken cancellation)
            => output.PushAsync(Lossy.Of(State += item));
    }

    private sealed class Keeping : StatefulStageNode<Lossy, string, Lossy?>
    {
        protected override ValueTask ProcessAsync(Lossy item, Output<string> output, CancellationToken cancellation)
        {
            State = item;
            return default;
        }
    }
}

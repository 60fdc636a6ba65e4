using System.Threading.Channels;
using Sluice.Diagnostics;
using Sluice.Engine;
using Sluice.Graphs;
using Sluice.Storage;
using Sluice.Topologies;

namespace Sluice.Tests.Persisted;

/// <summary>The default names of unnamed nodes, and the shapes of state: dead letters, retries and rows of state are stored under
/// them.</summary>
public class NodeNameTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly EventTime<int> Time = new(static n => DateTimeOffset.UnixEpoch.AddSeconds(n));

    private static Source<int> Numbers => Source.From([1, 2]);

    [Fact]
    public void SourcesHaveFixedNames()
    {
        Is("source-1", Source.From([1]));
        Is("source-1", Source.From(FlowLabel()));
        Is("source-1", Source.Of(1));
        Is("source-1", Source.From(Channel.CreateUnbounded<int>().Reader));
        Is("range-1", Source.Range(1, 2));
        Is("interval-1", Source.Interval(Second));
        Is("every-1", Source.Every(Second, null, static () => 1));
        Is("cron-1", Source.Cron("* * * * *"));
        Is("manual-1", Source.Manual<int>());
        Is("pushed-1", Source.Create<int>(static (_, _) => Task.CompletedTask));
        Is("lines-1", Source.Lines(TextReader.Null));
        Is("lines-1", Source.Lines("file"));
        Is("lines-1", Source.StandardInput());
        Is("tcp-1", Source.Tcp(0));
        Is("127.0.0.1:4000", Source.Tcp(4000));
        Is("tape", Source.Resumable("tape", [1]));
        Is("tape", Source.ResumableLines("tape", "file"));
        Is("tape", Source.Every("tape", Second, static tick => tick));
        Is("tape", Source.Cron("tape", "* * * * *", static tick => tick));

        static async IAsyncEnumerable<int> FlowLabel()
        {
            await Task.Yield();
            yield return 1;
        }
    }

    [Fact]
    public void StagesHaveFixedNames()
    {
        Is("source-1 map-1 map-2", Numbers.Select(static n => n).SelectAsync(static (n, _) => ValueTask.FromResult(n)));
        Is("source-1 filter-1 filter-2", Numbers.Where(static _ => true).WhereAsync(static (_, _) => ValueTask.FromResult(true)));
        Is("source-1 do-1 do-2", Numbers.Do(static _ => { }).DoAsync(static (_, _) => default));
        Is("source-1 many-1 many-2", Numbers.SelectMany(static n => new[] { n }).SelectManyAsync(static (n, _) => Many(n)));
        Is("source-1 distinct-1 distinct-2", Numbers.Distinct().DistinctBy(static n => n));
        Is("source-1 window-1", Numbers.Window(Second));
        Is("source-1 window-1", Numbers.Window(Second, Second));
        Is("source-1 window-1", Numbers.Window(Time, Second));
        Is("source-1 window-1", Numbers.SessionWindow(Second, Second));
        Is("source-1 window-1", Numbers.SessionWindow(Time, Second));
        Is("source-1 aggregate-1", Numbers.Aggregate(0, static (sum, n) => sum + n));
        Is("source-1 scan-1", Numbers | Stage.KeyBy(static (int n) => n) | Pipe.Of<int>().Scan(0, static (sum, n) => sum + n));
        Is("source-1 Doubled", Numbers | StageNode.Of(static () => new Doubled()));
        Is("source-1 Doubled Doubled-2", Numbers | StageNode.Of(static () => new Doubled()) | StageNode.Of(static () => new Doubled()));

        static async IAsyncEnumerable<int> Many(int n)
        {
            await Task.Yield();
            yield return n;
        }
    }

    [Fact]
    public void ForksAndJoinsHaveFixedNames()
    {
        Is("source-1 source-2 merge-1", Numbers.Merge(Numbers));
        Is("source-1 source-2 concat-1", Numbers.Concat(Numbers));
        Is("source-1 source-2 zip-1", Numbers.Zip(Numbers, static (one, other) => one + other));
        Is("source-1 source-2 join-1", Numbers.Join(Numbers, static n => n, static n => n, static (one, other) => one + other));
        Is("source-1 map-1 map-2", Numbers.Broadcast(Doubles(), Doubles()));
        Is("source-1 round-robin-1 map-1 map-2", Numbers.RoundRobin(Doubles(), Doubles()));
        Is("source-1 route-1 map-1 map-2", Numbers.Route(static _ => "a", ("a", Doubles()), ("b", Doubles())));
        Is("source-1 map-1 map-2 zip-1", Numbers.Zip(Doubles(), Doubles(), static (one, other) => one + other));
        Is("source-1 map-1 map-2 join-1",
            Numbers.Join(Doubles(), Doubles(), static n => n, static n => n, static (one, other) => one + other));
        Is("source-1 map-1 map-2 fork-join-1", Numbers.ForkJoin(Doubles(), Doubles(), static (n, one, other) => n));

        static Func<Source<int>, Source<int>> Doubles() => static source => source.Select(static n => 2 * n);
    }

    [Fact]
    public void SinksHaveFixedNames()
    {
        Is("source-1 sink-1", Numbers.ForEach(static _ => { }));
        Is("source-1 sink-1", Numbers.ForEachAsync(static (_, _, _) => default));
        Is("source-1 channel", Numbers.ToChannel(Channel.CreateUnbounded<int>().Writer));
        Is("source-1 map-1 lines", Numbers.Select(static n => "") | Sink.Lines(TextWriter.Null));
        Is("source-1 texts", Numbers | Sink.Output<int>("texts"));
        Is("source-1 out.txt", Numbers | Sink.ToFile<int>("/x/out.txt", static n => ""));
        Is("source-1 Staged", Numbers | Sink.Commit(static () => new Staged()));
        Is("source-1 Kept", Numbers | StageNode.Of(static () => new Kept()));
    }

    /// <summary>The row of $nodes for each kind of node that keeps state; a node of another shape is refused.</summary>
    [Fact]
    public void StateShapesHaveFixedTexts()
    {
        Is("n: scan of int", Shapes(Numbers.Scan(0, static (sum, n) => sum + n)));
        Is("n: aggregate of long", Shapes(Numbers.Aggregate(0L, static (sum, n) => sum + n)));
        Is("n: distinct of int", Shapes(Numbers.Distinct()));
        Is("n: chunk of int", Shapes(Numbers.Chunk(2)));
        Is("n: group of int", Shapes(Numbers.GroupBy(static n => n)));
        Is("n: sliding window of int", Shapes(Numbers.Window(Second)));
        Is("n: session window of int", Shapes(Numbers.SessionWindow(Second, Second)));
        Is("n: event-time sliding window of int", Shapes(Numbers.Window(Time, Second)));
        Is("n: event-time session window of int", Shapes(Numbers.SessionWindow(Time, Second)));
        Is("n: node by partition of int", Shapes(Numbers | StageNode.Of(static () => new Total())));
        Is("n: node of int", Shapes(Numbers | Stage.KeyBy(static (int n) => n) | StageNode.Of(static () => new Total())));
        Is("n: scan by key of int",
            Shapes(Numbers | Stage.KeyBy(static (int n) => n) | Pipe.Of<int>().Scan(0, static (sum, n) => sum + n)));
        Is("n: distinct by key of int[]", Shapes(Numbers | Stage.KeyBy(static (int n) => n) | Pipe.Of<int>().Distinct(10)));
        Is("n: debounce by key of int[]", Shapes(Numbers | Stage.KeyBy(static (int n) => n) | Pipe.Of<int>().Debounce(Second)));
        Is("n: aggregate by key of int",
            Shapes(Numbers | Stage.KeyBy(static (int n) => n) | Pipe.Of<int>().Aggregate(0, static (sum, n) => sum + n)));
        Is("n: chunk by key of int", Shapes(Numbers | Stage.KeyBy(static (int n) => n) | Pipe.Of<int>().Chunk(10)));
        Is("n: group by key of int", Shapes(Numbers | Stage.KeyBy(static (int n) => n) | Pipe.Of<int>().GroupBy(static n => n, 10)));
        Is("n: sliding window by key of int",
            Shapes(Numbers | Stage.KeyBy(static (int n) => n) | Pipe.Of<int>().Window(Second, maxItems: 10)));
        Is("n: session window by key of int",
            Shapes(Numbers | Stage.KeyBy(static (int n) => n) | Pipe.Of<int>().SessionWindow(Second, Second, maxItems: 10)));
        Is("n: join of (int, long)", Shapes(Numbers.Join(static one => one, static other => other | (static n => (long)n),
            static n => n, static n => (int)n, static (one, other) => one)));
        Is("n: zip of (int, int)", Shapes(Numbers.Zip(static one => one, static other => other, static (one, other) => one)));
        Assert.Equal("scan", StateShape.KindOf("scan of int"));
    }

    /// <summary>The stored names of the library's own types, also inside arrays, tuples and generic types.</summary>
    [Fact]
    public void LibraryTypesHaveFixedStoredNames()
    {
        (Type Type, string Name)[] names =
        [
            (typeof(BatchCompleted), "BatchEnd"), (typeof(DeadLetter), "DeadLetter"), (typeof(EntryId), "EntryId"),
            (typeof(EntryKey), "EntryKey"),
            (typeof(FileLine), "FileLine"), (typeof(ItemLogEntry), "ItemLog"), (typeof(Unit), "Nothing"), (typeof(Tick), "Tick"),
            (typeof(Tick?), "Tick?"),
            (typeof(Group<string, int>), "Group<string, int>"), (typeof(Window<FileLine>[]), "Window<FileLine>[]"),
            (typeof(Settled<(Tick, long?)>), "Settled<(Tick, long?)>"), (typeof(WithPosition<string>), "Positioned<string>"),
            (typeof(StepInput<byte[]>), "StepRecord<byte[]>"),
            (typeof(Dictionary<string, Window<int>>), "Dictionary<string, Window<int>>"),
        ];
        foreach ((Type type, string name) in names) Assert.Equal($"scan of {name}", new StateShape("scan", type, 0).ToString());
    }

    private static string Shapes<T>(Source<T> source)
        => string.Join(", ", RunBuilder.Draw((source | Stage.Named("n")).ForEach(static _ => { }),
            isFollowed: true).States.Select(static one => $"{one.Key}: {one.Value}"));

    private static void Is(string expected, string names) => Assert.Equal(expected, names);

    private static void Is<T>(string expected, Source<T> source) => Is(expected, source.Topology);

    private static void Is(string expected, Pipeline pipeline) => Is(expected, pipeline.Topology);

    private static void Is(string expected, Topology topology)
        => Is(expected, string.Join(' ', topology.Nodes.Select(static node => node.Name)));

    private sealed class Doubled : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(2 * item);
    }

    private sealed class Total : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(State += item);
    }

    private sealed class Kept : SinkNode<int>
    {
        protected override ValueTask ProcessAsync(int item, CancellationToken cancellation) => default;
    }

    private sealed class Staged : TransactionalSink<int>
    {
        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation) => default;
    }
}

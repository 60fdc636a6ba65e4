namespace Sluice.Tests.Pipelines;

/// <summary>The name of an output that no stage writes to is an error before the run starts.</summary>
public sealed class UnknownOutputTests
{
    private static readonly NamedOutput<int> Given = new("given");

    private static Pipeline Splitting => Source.From([1, 2, 3]) | StageNode.Of(() => new Splitter(Given)) | (_ => { });

    [Fact]
    public void ARunWithAnUnknownOutputDoesNotStart()
    {
        var failure = Assert.Throws<ArgumentException>(() => Splitting.Start(new RunOptions { Outputs = ["odd", "evem"] }));
        Assert.Contains(
            "asks for 'evem', and nothing in the pipeline writes to an output of that name. Did you mean 'even'? There is even, first, "
                + "given, inherited, odd, second, shared.", failure.Message, StringComparison.Ordinal);
        var instance = new Splitter(Given);
        Pipeline bare = Source.From([1]) | instance | (_ => { });
        Assert.Throws<ArgumentException>(() => bare.Start(new RunOptions { Outputs = ["evem"] }));
        Assert.NotNull(bare.Start(new RunOptions()));        // the refused start has not taken the instance
        failure = Assert.Throws<ArgumentException>(() => (Source.From([1]) | (_ => { })).Start(new RunOptions { Outputs = ["odd"] }));
        Assert.Contains("It has none", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OutputsInFieldsPropertiesAndCollectionsAreFound()
    {
        await using PipelineRun run = Splitting.Start(
            new RunOptions { Outputs = ["odd", "even", "given", "inherited", "first", "second", "shared"] });
        await run.Completion;
        foreach (string name in (string[])["odd", "even", "given", "inherited", "first", "second", "shared"])
            Assert.Equal(3, await run.Output<int>(name).ReadAllAsync(TestContext.Current.CancellationToken)
                .CountAsync(TestContext.Current.CancellationToken));

        // An existing node instance and a sink have outputs too.
        var instance = new Splitter(new("given later"));
        await using PipelineRun other = (Source.From([1]) | instance
            | Sink.Output<int>("sink")).Start(new RunOptions { Outputs = ["given later", "first", "sink"] });
        await other.Completion;
        Assert.Equal(1, await other.Output<int>("given later").ReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AConsecutorRefusesAnUnknownOutput()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("splitting",
            source => source | StageNode.Of(() => new Splitter(Given)) | (_ => { }), new() { Store = store });
        Assert.NotNull(consecutor.Output<int>("even"));
        var failure = Assert.Throws<ArgumentException>(() => consecutor.Output<int>("my_outptu"));
        Assert.Contains("The consecutor splitting has no output 'my_outptu': nothing in its pipeline writes to one. There is even, ",
            failure.Message, StringComparison.Ordinal);
        failure = Assert.Throws<ArgumentException>(() => consecutor.Output<string>("even"));
        Assert.Contains("carries int, not string", failure.Message, StringComparison.Ordinal);
    }

    private abstract class Base : StageNode<int, int>
    {
        private readonly NamedOutput<int> inherited = new("inherited");

        protected ValueTask InheritAsync(int item, Output<int> output) => output.PushAsync(inherited, item);
    }

    private sealed class Splitter(NamedOutput<int> given) : Base
    {
        private static readonly NamedOutput<int> Shared = new("shared");
        private readonly NamedOutput<int> odd = new("odd");
        private readonly Dictionary<string, NamedOutput<int>> several = new() { ["first"] = new("first"), ["second"] = new("second") };

        public NamedOutput<int> Even { get; } = new("even");

        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            foreach (NamedOutput<int> one in (NamedOutput<int>[])[odd, Even, Shared, given, .. several.Values])
                await output.PushAsync(one, item);
            await InheritAsync(item, output);
            await output.PushAsync(item);
        }
    }
}

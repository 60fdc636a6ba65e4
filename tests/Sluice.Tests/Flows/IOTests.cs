using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>Functions read and write the streams of a run: first values, zips, merges, start positions, errors.</summary>
public class IOTests
{
    private static readonly Processor Reader = new("reader") { Inputs = ["a", "b"], Outputs = ["out"] };

    [Fact]
    public async Task AnEmptyStreamHasNoFirstValue()
    {
        var failure = await Assert.ThrowsAsync<FlowException>(() => RunAsync([], [], async (IO<int> a) => $"{await a.FirstAsync()}"));
        Assert.Contains(
            "The stream a is complete and empty: it has no first value. Read it by StreamAsync if that is meant to be possible.",
                failure.Message, StringComparison.Ordinal);
        Assert.Equal("reader", failure.Processor);
    }

    [Fact]
    public async Task EveryReadingOfAStreamSeesAllValues()
        => Assert.Equal(["123", "123", "1", "True"], await RunAsync([1, 2, 3], [], async (IO<int> a, IOWriter<string> @out) =>
        {
            string[] both = await Task.WhenAll(TextAsync(a.StreamAsync()), TextAsync(a.StreamAsync()));
            foreach (string text in both) await @out.WriteAsync(text);
            await @out.WriteAsync($"{await a.FirstAsync()}");
            await @out.WriteAsync($"{a.IsComplete}");
        }));

    [Theory]
    [InlineData(false, "1+10 2+20 ")]
    [InlineData(true, "1+10 2+20 3+ ")]
    public async Task ZipPairsTheValuesOfTwoStreams(bool pad, string expected)
        => Assert.Equal([expected], await RunAsync([1, 2, 3], [10, 20], async (IO<int> a, IO<int> b) =>
        {
            string text = "";
            await foreach (var (first, second) in a.Zip(b, pad)) text += $"{first}+{second} ";
            return text;
        }));

    /// <summary>Reference types and value types, on the longer and on the shorter side: a missing value is null, not 0.</summary>
    [Fact]
    public async Task APaddedZipHasNullWhereAStreamHasEnded()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var zip = new Processor("zip") { Inputs = ["a", "b", "c", "d"], Outputs = ["out"] };
        service.Register(zip, async (IO<int> a, IO<long> b, IO<string> c, IO<Uri> d, IOWriter<string> @out) =>
        {
            await @out.WriteAsync(await PairsAsync(a.Zip(b, pad: true)));
            await @out.WriteAsync(await PairsAsync(b.Zip(a, pad: true)));
            await @out.WriteAsync(await PairsAsync(a.Zip(c, pad: true)));
            await @out.WriteAsync(await PairsAsync(c.Zip(a, pad: true)));
            await @out.WriteAsync(await PairsAsync(b.Zip(c, pad: true)));
            await @out.WriteAsync(await PairsAsync(c.Zip(b, pad: true)));
            await @out.WriteAsync(await PairsAsync(c.Zip(d, pad: true)));
            await @out.WriteAsync(await PairsAsync(d.Zip(c, pad: true)));
        });
        IOVal[] inputs = [IOVal.Stream("a", FlowLab.Many<int>([1, 2, 3])), IOVal.Stream("b", FlowLab.Many<long>([10])),
            IOVal.Stream("c", FlowLab.Many<string>(["x", "y"])), IOVal.Stream("d", FlowLab.Many<Uri>([new("urn:v")]))];
        await using FlowRun run = await service.StartAsync(Flow.From(zip).Resolve(), inputs, cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(["1+10 2+null 3+null", "10+1 null+2 null+3", "1+x 2+y 3+null", "x+1 y+2 null+3", "10+x null+y", "x+10 y+null",
            "x+urn:v y+null", "urn:v+x null+y"], await FlowLab.ReadAsync(run.Output<string>("out")));

        static async Task<string> PairsAsync<T, TOther>(IAsyncEnumerable<(T First, TOther Second)> pairs)
        {
            List<string> texts = [];
            await foreach (var (first, second) in pairs) texts.Add($"{first?.ToString() ?? "null"}+{second?.ToString() ?? "null"}");
            return string.Join(' ', texts);
        }
    }

    [Fact]
    public async Task AZipThatCannotBeginLeavesNoBlockingReader()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var zip = new Processor("zip") { Inputs = ["a", "b"], Outputs = ["left"], Resume = ResumeMode.PerItem };
        service.Register(zip, async (IO<int> a, IO<int> b, IOWriter<string> left) =>
        {
            await foreach (int _ in b.StreamAsync())
            {
            }
            await Assert.ThrowsAsync<FlowException>(async () => await a.Zip(b).GetAsyncEnumerator().MoveNextAsync());
            foreach (ReaderInfo reader in (await lab.Store.FindStreamAsync("flow-io/run/a"))!.Readers) await left.WriteAsync(reader.Name);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(zip).Resolve(), [IOVal.Of("a", 1), IOVal.Of("b", 1)], run: "run",
            cancellation: FlowLab.Cancellation);
        Assert.Equal(["processor zip"], await FlowLab.ReadAsync(run.Output<string>("left")));          // no reader that gates
    }

    [Fact]
    public async Task MergeGivesEveryValueInTheOrderOfItsStream()
        => Assert.Equal(["1 2 3 ", "10 20 "], await RunAsync([1, 2, 3], [10, 20], async (IO<int> a, IO<int> b, IOWriter<string> @out) =>
        {
            var text = new Dictionary<string, string> { ["a"] = "", ["b"] = "" };
            await foreach (var (name, value) in a.Merge(b)) text[name] += $"{value} ";
            await @out.WriteAsync(text["a"]);
            await @out.WriteAsync(text["b"]);
        }));

    [Fact]
    public async Task AReadingMayBeginAtTheLatestValueOrAfterIt()
        => Assert.Equal(["3", ""], await RunAsync([1, 2, 3], [], async (IO<int> a, IOWriter<string> @out) =>
        {
            await TextAsync(a.StreamAsync());        // until all are there
            await @out.WriteAsync(await TextAsync(a.StreamAsync(ReadFrom.Latest)));
            await @out.WriteAsync(await TextAsync(a.StreamAsync(ReadFrom.New)));
        }));

    [Fact]
    public async Task AnErrorNamesAnUnknownOutput()
    {
        var failure = await Assert.ThrowsAsync<FlowException>(() => RunAsync([], [], () => new[] { IOVal.Of("bar", 1) }));
        Assert.Contains(
            "The processor reader has put out to \"bar\", which is not among its outputs (out). Add it to Outputs, or correct the name.",
                failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AValueOfTheWrongTypeFailsTheRun()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        Processor maker = new("maker") { Outputs = ["a"] }, taker = new("taker") { Inputs = ["a"] };
        service.Register(maker, Make);
        service.Register(taker, async (IO<int> a) => { await a.FirstAsync(); });
        await using FlowRun run = await service.StartAsync(Flow.From(maker, taker).Resolve(), [], run: "r",
            cancellation: FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal("maker", failure.Processor);
        Assert.Equal("The run r has failed: the processor maker has: The processor maker has put out a value of the type string to \"a\", "
            + "whose values are of the type int. Convert the value, or correct the name in IOVal.Of.", failure.Message);

        static IEnumerable<IOVal> Make() => [IOVal.Of("a", "no number")];
    }

    [Fact]
    public async Task AnOutputThatEndsEmptyCausesAWarning()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Reader, () => Task.CompletedTask);
        await using (FlowRun run = await service.StartAsync(Flow.From(Reader).Resolve(), [IOVal.Of("a", 1), IOVal.Of("b", 1)],
            cancellation: FlowLab.Cancellation))
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await service.DisposeAsync();
        Assert.Contains(lab.Warnings, text => text.EndsWith("has ended and has put out nothing to out.", StringComparison.Ordinal));
    }

    private static async Task<string> TextAsync(IAsyncEnumerable<int> values)
    {
        string text = "";
        await foreach (int value in values) text += value;
        return text;
    }

    private static async Task<List<string>> RunAsync(int[] a, int[] b, Delegate function)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Reader, function);
        await using FlowRun run = await service.StartAsync(
            Flow.From(Reader).Resolve(), [IOVal.Stream("a", FlowLab.Many(a)), IOVal.Stream("b", FlowLab.Many(b))],
                cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        return await FlowLab.ReadAsync(run.Output<string>("out"));
    }
}

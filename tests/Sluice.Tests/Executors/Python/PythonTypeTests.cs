using System.Runtime.Versioning;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>Types that cross between C# and Python: compared at the start, by their names and by the JSON schema of C#'s type.</summary>
[StartsProcesses]
[Collection("child processes")]
[UnsupportedOSPlatform("windows")]
public sealed class PythonTypeTests
{
    private static CancellationToken Cancellation => FlowLab.Cancellation;

    [Fact]
    public void ASchemaSaysWhatATypeLooksLikeInJson()
    {
        Assert.Equal("""
            {"type":["object","null"],"properties":{"Id":{"type":"integer"},"Names":{"type":"array","items":{"type":["string","null"]}},
            "At":{"type":"string","format":"date-time"},"Key":{"type":["string","null"],"format":"uuid"},"Day":{"type":"integer"},
            "Pair":{"type":"object","properties":{"Item1":{"type":"integer"},"Item2":{"type":["string","null"]}},
            "required":["Item1","Item2"]}},"required":["Id","Names","At","Key","Day","Pair"]}
            """.ReplaceLineEndings(""), $"{PayloadSerializers.Json.SchemaOf(typeof(Flat))}");
        Assert.Contains("\"$ref\":\"#", $"{PayloadSerializers.Json.SchemaOf(typeof(Order))}", StringComparison.Ordinal);
        Assert.All([typeof(int), typeof(int?), typeof(string), typeof(Guid), typeof(byte[]), typeof(TimeSpan), typeof(Action)],
            static type => Assert.Null(PayloadSerializers.Json.SchemaOf(type)));
        Assert.Null(PayloadSerializers.Json.With(PayloadSerializer.Json<Order>()).SchemaOf(typeof(Order)));
    }

    [Theory]
    [InlineData("order", "Python reads list[str]: C# has an object, and Python a list")]
    [InlineData("sizes", "Python reads Sized: Python needs Size, and C# has Id, Lines, At, Key, Day, Pair")]
    [InlineData("priced", "Python reads Priced: C# has a number, and Python a text (at $.Lines[0].Price)")]
    public async Task AFunctionWhoseInputHasAnotherShapeDoesNotStart(string processor, string expected)
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await StartAsync(lab, new Processor(processor) { Inputs = ["order"], Outputs = ["y"] },
            IOVal.Of("order", Some));
        string failure = await PythonLab.FailureAsync(run);
        Assert.Contains($"the processor {processor} has: The stream order has values of the type Order; the function of the processor "
            + $"{processor} in {expected}", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFunctionWhoseOutputIsReadInCSharpAsAnotherShapeDoesNotStart()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var fits = new Processor("bills") { Inputs = ["order"], Outputs = ["bill"] };
        var reads = new Processor("reads") { Inputs = ["bill"], Outputs = ["end"] };
        service.Register(fits, PythonLab.Executor("shapes"));
        service.Register(reads, async (IO<Line> bill, CancellationToken token) => (await bill.FirstAsync(token)).Name);
        await using FlowRun run = await service.StartAsync(Flow.From(fits, reads).Resolve(), [IOVal.Of("order", Some)],
            cancellation: Cancellation);
        Assert.Contains("in Python writes Order: C# needs Name, Price, Order, and Python has Id, Lines", await PythonLab.FailureAsync(run),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task RecordsAndBytesThatFitCrossBothWays()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        IExecutor python = PythonLab.Executor("shapes");
        var bills = new Processor("bills") { Inputs = ["order"], Outputs = ["bill"] };
        var twice = new Processor("twice") { Inputs = ["raw"], Outputs = ["doubled"] };
        service.Register(bills, python);
        service.Register(twice, python);
        await using FlowRun run = await service.StartAsync(Flow.From(bills, twice).Resolve(),
            [IOVal.Of("order", Some), IOVal.Of("raw", new byte[] { 0, 255 })], cancellation: Cancellation);
        Order bill = await run.Output<Order>("bill").FirstAsync(Cancellation).AsTask().WaitAsync(FlowLab.Patience, Cancellation);
        Assert.Equal((Some with { Lines = bill.Lines, Day = DayOfWeek.Friday }, 1.10m), (bill, Assert.Single(bill.Lines).Price));
        Assert.Equal(new byte[] { 0, 255, 0, 255 }, await run.Output<byte[]>("doubled").FirstAsync(Cancellation));
        await run.Completion.WaitAsync(FlowLab.Patience, Cancellation);
    }

    [Fact]
    public async Task AStageOfOtherTypesFailsTheRunAtOnce()
    {
        Assert.Equal("'shapes:length' failed: The Python module shapes: the stage length reads str, and the input of the pipeline's stage "
            + "is int. Change one of them.", await FailAsync(Source.From([1]) | Map<int, int>("length")));
        Assert.Equal("'shapes:length' failed: The Python module shapes: the stage length returns int, and the output of the pipeline's "
            + "stage is string. Change one of them.", await FailAsync(Source.From(["a"]) | Map<string, string>("length")));
        Assert.Equal("'shapes:bill' failed: The Python module shapes: the stage bill reads Order, and the input of the pipeline's stage is "
            + "Line: Python needs Id, Lines, At, Key, Day, Pair, and C# has Name, Price, Order. Change one of them.",
            await FailAsync(Source.From([Some.Lines[0]]) | Map<Line, Order>("bill")));
        Assert.Equal("'shapes:lengths' failed: The Python module shapes: the stage lengths reads str, and the input of the pipeline's "
            + "stage is byte[]. Change one of them.", await FailAsync(Source.From([new byte[1]])
            | Python.Batch<byte[], int>("shapes:lengths", options: Options)));
        List<byte[]> raw = await (Source.From([new byte[] { 1, 0 }]) | Map<byte[], byte[]>("reverse"))
            .ToListAsync(cancellation: Cancellation);
        Assert.Equal(new byte[] { 0, 1 }, Assert.Single(raw));
        Assert.Empty(PythonLab.Children());
    }

    /// <summary>Whatever has a form in JSON comes back from Python as it was.</summary>
    [Fact]
    public async Task ValuesAtTheEdgesOfTheirTypesComeBack()
    {
        await BackAsync("same_int", long.MinValue, long.MaxValue, 0);
        await BackAsync("same_int", ulong.MaxValue);
        await BackAsync("same_float", double.MaxValue, double.MinValue, double.Epsilon, 0.1, 1e22);
        await BackAsync("same_Decimal", decimal.MaxValue, 0.0000000000000000000000000001m, 1.10m);
        await BackAsync("same_str", "", "\0\u001f\u2028\"\\", "𝄞é", new string('x', 1_000_000));
        await BackAsync("same_datetime", DateTime.MinValue, DateTime.MaxValue.AddTicks(-9));
        await BackAsync("same_datetime", new DateTimeOffset(2026, 3, 29, 2, 30, 0, TimeSpan.FromMinutes(-210)));
        await BackAsync("same_date", DateOnly.MinValue, DateOnly.MaxValue);
        await BackAsync("same_timedelta", TimeSpan.FromDays(-3), TimeSpan.FromTicks(10), TimeSpan.FromDays(9_999_999));
        await BackAsync("same_UUID", Guid.Empty, Guid.AllBitsSet);
        await BackAsync("same", DayOfWeek.Friday);
        await BackAsync<int?>("same", null, 5);
        DateTime utc = new(2026, 2, 28, 23, 59, 59, DateTimeKind.Utc);
        Assert.Equal(DateTimeKind.Utc, Assert.Single(await BackAsync("same_datetime", utc)).Kind);

        static async Task<List<T>> BackAsync<T>(string stage, params T[] values)
        {
            List<T> back = await (Source.From(values) | Map<T, T>(stage)).ToListAsync(cancellation: Cancellation);
            Assert.Equal(values, back);
            return back;
        }
    }

    [Fact]
    public async Task ALoneSurrogateBecomesTheReplacementCharacterAndNoNumberIsNaN()
    {
        Assert.Equal(["a\ufffdb"], await (Source.From(["a\ud800b"]) | Map<string, string>("same")).ToListAsync(cancellation: Cancellation));
        Assert.Contains("NaN", await FailAsync(Source.From([double.NaN]) | Map<double, double>("same")), StringComparison.Ordinal);
        Assert.Contains("lone surrogate U+D800", await FailAsync(Source.From([1]) | Map<int, string>("surrogate")),
            StringComparison.Ordinal);
        Assert.Contains("the result's type is long, from -9,223,372,036,854,775,808 to", await FailAsync(Source.From([1])
            | Map<int, long>("huge")), StringComparison.Ordinal);
        Assert.Contains("the result's type is byte[], which has no null", await FailAsync(Source.From<int?>([null])
            | Map<int?, byte[]>("same")), StringComparison.Ordinal);
        Assert.Contains("the input of the pipeline's stage is ReadOnlyMemory<byte>: C# has ReadOnlyMemory<byte>, which is JSON, and Python "
            + "bytes as they are: use byte[] in C#.", await FailAsync(Source.From<ReadOnlyMemory<byte>>([new byte[1]])
            | Map<ReadOnlyMemory<byte>, byte[]>("reverse")), StringComparison.Ordinal);
    }

    private static readonly Order Some = new(7, [new("ink", 1.10m, null)], new(2026, 11, 24, 12, 0, 0, DateTimeKind.Utc), null,
        DayOfWeek.Monday, (1, "a"));

    private static PythonStageOptions Options => new() { Python = new() { ImportPaths = [PythonLab.Package, PythonLab.Modules] } };

    private static Pipe<TIn, TOut> Map<TIn, TOut>(string function) => Python.Map<TIn, TOut>($"shapes:{function}", Options);

    private static async Task<string> FailAsync<T>(Source<T> source)
        => (await Assert.ThrowsAsync<PipelineException>(() => source.ToListAsync(cancellation: Cancellation))).Message;

    private static async Task<FlowRun> StartAsync(FlowLab lab, Processor processor, IOVal input)
    {
        Supervisor service = lab.Join();
        service.Register(processor, PythonLab.Executor("shapes"));
        return await service.StartAsync(Flow.From(processor).Resolve(), [input], cancellation: Cancellation);
    }

    internal sealed record Order(int Id, List<Line> Lines, DateTime At, Guid? Key, DayOfWeek Day, (int, string) Pair);

    internal sealed record Flat(int Id, List<string> Names, DateTime At, Guid? Key, DayOfWeek Day, (int, string) Pair);

    internal sealed record Line(string Name, decimal Price, Order? Order);
}

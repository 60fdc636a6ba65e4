using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>The signatures that functions of processors may have, and the errors for all others.</summary>
public class BindingTests
{
    private static readonly Processor Double = new("double") { Inputs = ["x"], Outputs = ["y"] };

    [Fact]
    public async Task AFunctionMayReturnATaskOfItsOutputValue()
        => Assert.Equal([10], await RunAsync(async (IO<int> x, CancellationToken cancellation) => 2 * await x.FirstAsync(cancellation)));

    [Fact]
    public async Task AFunctionMayReturnAValueTaskOfItsOutputValue()
        => Assert.Equal([10], await RunAsync(new Func<IO<int>, ValueTask<int>>(async x => 2 * await x.FirstAsync())));

    [Fact]
    public async Task AFunctionMayWriteToAnIOWriter()
        => Assert.Equal([5, 6], await RunAsync(async (IO<int> x, IOWriter<int> y) =>
        {
            int value = await x.FirstAsync();
            await y.WriteAsync(value);
            await y.WriteAsync(value + 1);
        }));

    [Fact]
    public async Task AFunctionMayReturnAnEnumerableOfIOVals() => Assert.Equal([1, 2],
        await RunAsync(() => new[] { IOVal.Of("y", 1), IOVal.Of("y", 2) }));

    [Fact]
    public async Task DefaultsAndServicesAreInjected()
        => Assert.Equal([21], await RunAsync(
            (Version version, int factor = 3, DayOfWeek day = DayOfWeek.Monday, TimeSpan none = default) =>
                Task.FromResult((factor * version.Major * (int)day) + (int)none.Ticks),
            new Versions()));

    [Fact]
    public async Task NullableParametersGetTheirDefaults()
        => Assert.Equal([25], await RunAsync(
            (int? none = null, TimeSpan? never = null, DayOfWeek? day = DayOfWeek.Friday, int? factor = 5) => Task.FromResult(none is null
                && never is null ? factor!.Value * (int)day!.Value : -1)));

    [Fact]
    public async Task AProcessorContextGivesTheNameTheStartAndTheInputs()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Double, RunAsync);
        await using FlowRun run = await service.StartAsync(Flow.From(Double).Resolve(), [IOVal.Of("x", 4)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal([8], await FlowLab.ReadAsync(run.Output<int>("y")));

        static async IAsyncEnumerable<IOVal> RunAsync(ProcessorContext context,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            Assert.Equal("double", context.Processor);
            Assert.Equal(1, context.Start);
            yield return IOVal.Of("y", 2 * await context.Input<int>("x").FirstAsync(cancellation));
        }
    }

    [Fact]
    public void AnUnknownInputIsNamed()
        => Refused("its parameter z is an IO<int>, but the processor has no input of this name (inputs: x). Name it like one of them.",
        async (IO<int> z) => await z.FirstAsync());

    [Fact]
    public void AnUnknownOutputIsNamed()
        => Refused(
        "its parameter x is an IOWriter<int>, but the processor has no output of this name (outputs: y). Name it like one of them.",
            async (IOWriter<int> x) => await x.WriteAsync(1));

    [Fact]
    public void AMissingServiceIsNamed()
        => Refused(
        "its parameter version is a Version: neither an input (IO<T>), an output (IOWriter<T>), a CancellationToken, a TimeProvider nor a "
            + "service that is registered, and it has no default. Register the service, give the parameter a default, or let a function "
            + "provide it ([Depends(nameof(…))]).",
            (Version version) => Task.FromResult(version.Major));

    [Fact]
    public void ACheckpointNeedsItsResumeMode()
        => Refused(
        "its parameter saved is a Checkpoint<int>, but the processor resumes FromScratch. Make it Resume = ResumeMode.Checkpoint.",
            (Checkpoint<int> saved) => Task.FromResult(saved.Value));

    [Fact]
    public void ParametersByReferenceAreRefused() => Refused("its parameter arg is passed by reference; pass it by value.",
        new ByReference((ref int arg) => Task.CompletedTask));

    [Fact]
    public void UnsupportedReturnTypesAreRefused()
        => Assert.Equal(
        "The function of the processor double returns string. It returns an IAsyncEnumerable<IOVal>, a Task (and writes to IOWriter<T> "
            + "parameters), or, with a single output, a Task<T>.",
            Message(() => "hello"));

    [Fact]
    public void AnAsyncVoidFunctionIsRefused()
    {
#pragma warning disable VSTHRD101 // what is refused
        Assert.Equal("The function of the processor double is async void: it cannot be awaited, and its failure would end the process. "
            + "Let it return a Task.", Message(new Action(async () => await Task.Yield())));
#pragma warning restore VSTHRD101
    }

    [Fact]
    public void ATaskOfAnIOValIsRefused()
        => Assert.Equal(
        "The function of the processor double returns Task<IOVal>. A Task<T> has the value of the output itself, without its name: return "
            + "that, or an IAsyncEnumerable<IOVal>.",
            Message(() => Task.FromResult(IOVal.Of("y", 1))));

    [Fact]
    public void ATaskOfAnArrayOfIOValsIsRefused()
        => Assert.StartsWith("The function of the processor double returns Task<IOVal[]>. A Task<T> has the value of the output itself",
            Message(() => Task.FromResult(new[] { IOVal.Of("y", 1) })), StringComparison.Ordinal);

    [Fact]
    public void ATaskOfAValueNeedsASingleOutput()
    {
        using var store = new Disposer();
        var mistake = Assert.Throws<ArgumentException>(() => store.Service.Register(new("two") { Outputs = ["a", "b"] },
            () => Task.FromResult(1)));
        Assert.Contains("which is the one value of a single output; it has 2 (a, b)", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASecondRegistrationReplacesTheFirstWithAWarning()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Double, () => Task.FromResult(1));
        service.Register(Double, () => Task.FromResult(2));
        await using FlowRun run = await service.StartAsync(Flow.From(Double).Resolve(), [IOVal.Of("x", 4)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal([2], await FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.Contains(
            "The processor double was registered before; what is started from now on is run by the function that was registered last.",
                lab.Warnings);
    }

    private delegate Task ByReference(ref int arg);

    private static async Task<List<int>> RunAsync(Delegate function, ProcessorServices? services = null)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { Services = services });
        service.Register(Double, function);
        await using FlowRun run = await service.StartAsync(Flow.From(Double).Resolve(), [IOVal.Of("x", 5)],
            cancellation: FlowLab.Cancellation);
        List<int> values = await FlowLab.ReadAsync(run.Output<int>("y"));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        return values;
    }

    private static void Refused(string why, Delegate function)
        => Assert.Equal($"The function of the processor double cannot be bound: {why}", Message(function));

    private static string Message(Delegate function)
    {
        using var store = new Disposer();
        return Assert.Throws<ArgumentException>(() => store.Service.Register(Double, function)).Message;
    }

    // The supervisor hosts nothing, so it ends at once.
    private sealed class Disposer : IDisposable
    {
        public Supervisor Service { get; } = Supervisor.Attach(new MemoryStreamStore());

        public void Dispose() => Service.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private sealed class Versions : ProcessorServices, IServiceProvider, IAsyncDisposable
    {
        public override bool Has(Type service) => service == typeof(Version);

        public override (IServiceProvider Services, IAsyncDisposable Lifetime) Open() => (this, this);

        public object? GetService(Type serviceType) => serviceType == typeof(Version) ? new Version(7, 0) : null;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

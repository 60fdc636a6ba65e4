using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>The texts of the errors of flows, word by word. The errors of binding, resolving, cancelling and loops are in other
/// tests.</summary>
public class FlowErrorTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Other = new("other") { Inputs = ["y"], Outputs = ["z"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();
    private static readonly IOVal[] One = [IOVal.Of("x", 1)];

    private static readonly (string Text, Func<FlowLab, Task> Provoke)[] Errors =
    [
        ("\"a (gate)\" cannot be the name of a processor or a service: those that end with \" (gate)\" are Sluice's own. (Parameter "
            + "'name')", _ => Say(() => new Processor("a (gate)"))),
        ("\"start of x\" cannot be the name of a processor: those that begin with \"start of \" are Sluice's own. (Parameter 'name')",
            _ => Say(() => new Processor("start of x"))),
        ("\"a/b\" has a slash; names of processors and their streams have none. (Parameter 'name')", _ => Say(() => new Processor("a/b"))),
        ("The processor a has \"x\" twice among its Inputs. (Parameter 'Inputs')",
            _ => Say(() => new Processor("a") { Inputs = ["x", "x"] })),
        ("One of the processors is null. (Parameter 'processors')", _ => Say(() => Flow.From([null!]))),
        ("There is no stream \"v\". Near it: x, y. (Parameter 'stream')", _ => Say(() => Flow.From(Work).With("v", new()))),
        ("The stream y: MaxItems, MaxBytes and MaxKept are at least one, MaxItemBytes is 1 to 256 MB.",
            _ => Say(() => Flow.From(Work).With("y", new() { MaxKept = 0 }))),
        ("The lease duration is 100 milliseconds to an hour, not 02:00:00. (Parameter 'LeaseDuration')",
            _ => Say(() => new SupervisorOptions { LeaseDuration = TimeSpan.FromHours(2) })),
        ("A processor is started at least once, not 0 times. (Parameter 'MaxStarts')",
            _ => Say(() => new SupervisorOptions { MaxStarts = 0 })),
        ("How long a run that has ended is kept is not negative, so it cannot be -00:00:01; Timeout.InfiniteTimeSpan keeps it for ever. "
            + "(Parameter 'RunRetentionDuration')", _ =>
            Say(() => new SupervisorOptions { RunRetentionDuration = TimeSpan.FromSeconds(-1) })),
        ("Results are kept for some time, 3,650 days at most, not for -1.00:00:00. (Parameter 'ResultRetentionDuration')",
            _ => Say(() => new SupervisorOptions { ResultRetentionDuration = TimeSpan.FromDays(-1) })),
        ("A reader of results may take some time, 49 days at most, not 00:00:00. (Parameter 'ReaderTimeout')",
            _ => Say(() => new SupervisorOptions { ReaderTimeout = TimeSpan.Zero })),
        ("There is at least one slot, not 0. (Parameter 'MaxConcurrency')", _ => Say(() => new SupervisorOptions { MaxConcurrency = 0 })),

        ("The flow has not been resolved, so it has no Plan: call flow.Resolve() first.",
            lab => lab.Join().StartAsync(Flow.From(Work), One)),
        ("One of the inputs is null. (Parameter 'inputs')", lab => lab.Join().StartAsync(Working, [null!])),
        ("The flow needs values for x: no processor of it writes this stream. Give IOVal.Of(\"x\", …) when it is started. (Parameter "
            + "'inputs')", lab => lab.Join().StartAsync(Working, [])),
        ("The flow was given y, which its processor work writes: a stream has one writer. (Parameter 'inputs')",
            lab => lab.Join().StartAsync(Working, [.. One, IOVal.Of("y", 1)])),
        ("There is no input to be given \"zoo\". There are: x. (Parameter 'inputs')",
            lab => lab.Join().StartAsync(Working, [.. One, IOVal.Of("zoo", 1)])),
        ("\"a/b\" cannot be the id of a run: it has 1 to 64 letters, digits, and the characters - . _ only. (Parameter 'run')",
            lab => lab.Join().StartAsync(Working, One, run: "a/b")),
        ("There is a run r already, of another flow: only this one has the processor \"other: y -> z\". Give this one another id, "
            + "start it as the other one was started, or go on with the other one (FindAsync).", async lab =>
        {
            await using FlowRun run = await lab.Join().StartAsync(Working, One, run: "r");
            await lab.Join().StartAsync(Flow.From(Work, Other).Resolve(), One, run: "r");
        }),

        ("There is no output \"why\". There are: y. (Parameter 'name')", lab => Read(lab, run => run.Output<int>("why"))),
        ("The stream y of the run r is read by its processors only: start the flow with allOutputs: true to read it here (z can be read). "
            + "(Parameter 'name')",
            lab => Read(lab, run => run.Output<int>("y"), Flow.From(Work, Other).Resolve())),
        ("The stream y of the run r has values of the type int, not string. (Parameter 'name')", async lab =>
        {
            Supervisor service = lab.Join();
            service.Register(Work, () => Task.FromResult(1));
            await using FlowRun run = await service.StartAsync(Working, One, run: "r");
            run.Output<string>("y");
        }),
        ("The stream y of the run r is read by the service that has started the run, service-1; this one is service-2. Read it there, or "
            + "in a service with that name (SupervisorOptions.Name). (Parameter 'name')", async lab =>
        {
            await using FlowRun run = await lab.Join().StartAsync(Working, One, run: "r");
            await using FlowRun? seen = await lab.Join().FindAsync("r");
            seen!.Output<int>("y");
        }),
        ("The stream y of the run r does not have its values 1 to 1 any more: they left the store when they had been read, "
            + "or after ResultRetentionDuration. Read it once, start the run with keepOutputs: true, or give the stream "
            + "Retention.All.", async lab =>
        {
            Supervisor service = lab.Join();
            service.Register(Work, () => Task.FromResult(1));
            await using FlowRun run = await service.StartAsync(Working, One, run: "r");
            await FlowLab.ReadAsync(run.Output<int>("y"));
            await FlowLab.ReadAsync(run.Output<int>("y"));
        }),
        ("The run r has not ended: cancel it first, then delete it.", async lab =>
        {
            Supervisor service = lab.Join();
            await using FlowRun run = await service.StartAsync(Working, One, run: "r");
            await service.DeleteAsync("r");
        }),

        ("The run r has failed: the processor work has: The stream x is complete and empty: it has no first value. Read it by StreamAsync "
            + "if that is meant to be possible.",
            lab => Fail(lab, Work, async (IO<int> x) => { await x.FirstAsync(); }, IOVal.Stream("x", FlowLab.Many<int>([])))),
        ("The run r has failed: the processor work has: The processor work has put out to \"why\", which is not among its outputs (y). "
            + "Add it to Outputs, or correct the name.", lab => Fail(lab, Work, () => new[] { IOVal.Of("why", 1) })),
        ("The run r has failed: the processor work has: The processor work has put out null. Put out IOVal.Of(name, value); the value may "
            + "be null.", lab => Fail(lab, Work, () => new IOVal[] { null! })),
        ("The run r has failed: the processor work has: The processor work has put out a value of the type string to \"y\", whose values "
            + "are of the type int. Convert the value, or correct the name in IOVal.Of.",
            lab => Fail(lab, Work, (IOWriter<int> y) => new[] { IOVal.Of("y", "one") })),
        ("The run r has failed: the processor work has: ArgumentException: The processor work: There is no input \"why\". There are: x.",
            lab => Fail(lab, Work, (ProcessorContext context) => { context.Input<int>("why"); return Task.CompletedTask; })),
        ("The run r has failed: the processor work has: ArgumentException: The processor work: There is no output \"x\". Near it: y.",
            lab => Fail(lab, Work, (ProcessorContext context) => { context.Output<int>("x"); return Task.CompletedTask; })),
        ("The run r has failed: the processor work has: InvalidOperationException: The processor work resumes FromScratch, and remembers "
            + "nothing. Make it Resume = ResumeMode.Checkpoint.",
            lab => Fail(lab, Work, (ProcessorContext context) => { context.Checkpoint<int>(); return Task.CompletedTask; })),
        ("The run r has failed: the processor work has: The stream x is read a second time: a processor that resumes per item, or at "
            + "checkpoints, reads each of its inputs once. Read it once, or let it resume from scratch.",
            lab => Fail(lab, Work with { Resume = ResumeMode.PerItem }, async (IO<int> x) =>
            {
                await FlowLab.ReadAsync(x);
                await FlowLab.ReadAsync(x);
            })),
        ("The run r has failed: the processor work has: The processor work was to save a state of 300,002 bytes; the limit is 262,144. "
            + "Save a reference to it.",
            lab => Fail(lab, Work with { Resume = ResumeMode.Checkpoint },
                async (Checkpoint<string> saved) => await saved.SaveAsync(new('s', 300_000)))),
        ("The run r has failed: the processor work has: PayloadException: The state of the processor work in the run r cannot be written "
            + "as double: PayloadException: .NET number values such as positive and negative infinity cannot be written as valid JSON. To "
            + "make it work when using 'JsonSerializer', consider specifying 'JsonNumberHandling.AllowNamedFloatingPointLiterals' (see "
            + "https://learn.microsoft.com/dotnet/api/system.text.json.serialization.jsonnumberhandling). Give such options to Sluice by "
            + "the option Serializers = PayloadSerializers.JsonOf(your JsonSerializerOptions, with a TypeInfoResolver).",
            lab => Fail(lab, Work with { Resume = ResumeMode.Checkpoint },
                async (Checkpoint<double> saved) => await saved.SaveAsync(double.NaN))),
        ("The run r has failed: the processor work has: The processor work of the run r has put out 999 values with 999 bytes between two "
            + "commits; what an item becomes is one commit, with at most 998 values and 524,288 bytes, or a single value. "
            + "Put out less for an item, save checkpoints more often, or let it resume from scratch.",
            lab => Fail(lab, Work with { Resume = ResumeMode.PerItem }, async (IO<int> x, IOWriter<int> y) =>
            {
                await foreach (int _ in x.StreamAsync())
                    for (int i = 0; i < 1_000; i++) await y.WriteAsync(1);
            })),
        ("The run r has failed: the processor work has: PayloadException: Entry 1 of a batch for the stream y: its payload has 102 bytes "
            + "with headers, the limit is 50 (FlowStreamOptions.MaxItemBytes). Store it elsewhere and send a reference, or "
            + "raise the limit.", async lab =>
        {
            Supervisor service = lab.Join();
            service.Register(Work, async (IOWriter<string> y) => await y.WriteAsync(new('s', 100)));
            await using FlowRun run = await service.StartAsync(Flow.From(Work).With("y", new() { MaxItemBytes = 50 }).Resolve(), One,
                run: "r");
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        }),
        ("The run r has failed: the processor work has: The processor work cannot read the value 1 of x as string. The start of the run "
            + "has put it in, perhaps as another type. Use one type on both sides, for example IOVal.Of<string>(\"x\", …). Details: Entry "
            + "flow-io/r/x/0/1@1 of the stream flow-io/r/x is no string (1 bytes, written by code version 0): The value is not of the "
            + "type that belongs there: expected a text. Path: $ | LineNumber: 0 | BytePositionInLine: 1.",
            lab => Fail(lab, Work, async (ProcessorContext context) => { await context.Input<string>("x").FirstAsync(); })),
        ("The run r has failed: the processor work has: The function of the processor work in this service reads the stream more, which "
            + "the processor does not have in the flow. "
            + "The flow declares \"work: x -> y\", the service service-1 has registered \"work: x, more -> y (waits)\": only the "
            + "service's has the input more; the service's waits for its inputs to be complete (Wait). Use one declaration for both.",
            lab => Fail(lab, Work with { Inputs = ["x", "more"], Wait = true },
                async (IO<int> x, IO<int> more) => { await FlowLab.ReadAsync(more); }, Working)),
        ("The run r has failed: the processor work has: The processor work has the input more in the flow, and not in this service, which "
            + "would ignore its values. "
            + "The flow declares \"work: x, more -> y\", the service service-1 has registered \"work: x -> y\": only the flow's has the "
            + "input more. Use one declaration for both.",
            lab => Fail(lab, Work, async (IO<int> x, IOWriter<int> y) => await y.WriteAsync(await x.FirstAsync()),
                Flow.From(Work with { Inputs = ["x", "more"] }).Resolve(), [.. One, IOVal.Of("more", 2)])),
        ("The run r has failed: the processor work has: The processor work has put out to \"why\", which is not among its outputs (y). "
            + "Add it to Outputs, or correct the name. "
            + "The flow declares \"work: x -> y\", the service service-1 has registered \"work: x -> why\": only the flow's has the "
            + "output y; only the service's has the output why. Use one declaration for both.",
            lab => Fail(lab, Work with { Outputs = ["why"] }, () => new[] { IOVal.Of("why", 1) }, Working)),
        ("The run r has failed: the processor work has: InvalidOperationException: The processor work resumes PerItem, and remembers "
            + "nothing. Make it Resume = ResumeMode.Checkpoint. "
            + "The flow declares \"work: x -> y (resumes PerItem)\", the service service-1 has registered \"work: x -> y (resumes "
            + "Checkpoint)\": the flow's resumes PerItem, the service's Checkpoint. Use one declaration for both.",
            lab => Fail(lab, Work with { Resume = ResumeMode.Checkpoint },
                (ProcessorContext context) => { context.Checkpoint<int>(); return Task.CompletedTask; },
                    Flow.From(Work with { Resume = ResumeMode.PerItem }).Resolve())),
        ("The run r has failed: the processor work has: InvalidOperationException: The processor work resumes PerItem, and remembers "
            + "nothing. Make it Resume = ResumeMode.Checkpoint. "
            + "The flow declares \"work: x -> y (resumes PerItem)\", the service service-1 has registered \"work: x -> y (resumes "
            + "Checkpoint)\": the flow's resumes PerItem, the service's Checkpoint. Use one declaration for both.",
            lab => Fail(lab, Work with { Resume = ResumeMode.Checkpoint }, async (Checkpoint<int> saved) => await saved.SaveAsync(1),
                Flow.From(Work with { Resume = ResumeMode.PerItem }).Resolve())),
        ("The run r has failed: the processor work has: The stream x of the run r has failed: What was put in failed: no more paper",
            lab => Fail(lab, Work, async (IO<int> x) => { await FlowLab.ReadAsync(x); }, IOVal.Stream("x", TearAsync()))),
    ];

    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, Errors.Length)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task AnErrorSaysWhatIsWrongWhereAndWhatToDo(int number)
    {
        await using var lab = new FlowLab();
        var (text, provoke) = Errors[number];
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => provoke(lab));
        Assert.Equal(text, error.Message);
    }

    private static Task Say(Func<object> wrong)
    {
        wrong();
        return Task.CompletedTask;
    }

    private static async Task Read(FlowLab lab, Action<FlowRun> read, Flow? flow = null)
    {
        await using FlowRun run = await lab.Join().StartAsync(flow ?? Working, One, run: "r");
        read(run);
    }

    private static Task Fail(FlowLab lab, Processor processor, Delegate function, params IOVal[] given)
        => Fail(lab, processor, function, Flow.From(processor).Resolve(), given);

    private static async Task Fail(FlowLab lab, Processor processor, Delegate function, Flow flow, params IOVal[] given)
    {
        Supervisor service = lab.Join();
        service.Register(processor, function);
        await using FlowRun run = await service.StartAsync(flow, given.Length > 0 ? given : One, run: "r");
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    private static async IAsyncEnumerable<int> TearAsync()
    {
        yield return 1;
        await Task.Yield();
        throw new IOException("no more paper");
    }
}

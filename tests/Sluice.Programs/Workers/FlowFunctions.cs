using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Sluice;
using Sluice.Flows;

namespace Sluice.Programs;

/// <summary>A service of the functions below.</summary>
public sealed record Greeting(string Text);

/// <summary>What the child processes of tests execute. Lines say by themselves what is to happen.</summary>
public static class FlowFunctions
{
    public static Processor Copy(ResumeMode resume) => new($"copy-{resume}") { Inputs = ["line"], Outputs = ["copy"], Resume = resume };

    public static Processor Mix { get; } = new("mix") { Inputs = ["a", "b", "c"], Outputs = ["mixed"] };

    public static Processor Pairs { get; } = new("pairs") { Inputs = ["a", "b"], Outputs = ["pair"], Resume = ResumeMode.PerItem };

    public static Processor Split { get; } = new("split") { Inputs = ["line"], Outputs = ["long", "short"], Wait = true };

    public static Processor Greet { get; } = new("greet") { Inputs = ["name"], Outputs = ["greeting"] };

    public static Processor Twice { get; } = new("twice") { Inputs = ["a", "b"], Outputs = ["first", "second"] };

    public static Processor Large { get; } = new("large") { Inputs = ["size"], Outputs = ["bytes"] };

    public static Processor Total { get; } = new("total") { Inputs = ["copy"], Outputs = ["first", "lines"] };

    /// <summary>Puts out the trace and the parent of a span of its own, for each line.</summary>
    public static Processor Traces { get; } = new("traces") { Inputs = ["line"], Outputs = ["trace"], Resume = ResumeMode.PerItem };

    public static ProcessorFunctions All { get; } = Add(new()
    {
        { Copy(ResumeMode.FromScratch), CopyAsync },
        { Copy(ResumeMode.PerItem), CopyAsync },
        { Copy(ResumeMode.Checkpoint), CountAsync },
        { Mix, MixAsync },
        { Pairs, PairAsync },
        { Split, SplitAsync },
        { Greet, GreetAsync },
        { Twice, TwiceAsync },
        { Large, LargeAsync },
        { Traces, TraceAsync },
        { Total, (ProcessorContext context, CancellationToken cancellation) => TotalAsync(context, cancellation) },
    });

    public static SupervisorOptions Options { get; } = new() { Services = new OneService(new Greeting("Hello")) };

    /// <summary>As a service whose functions are executed in copies of this program: tells the process of one that does not end.</summary>
    public static async Task WorkForEverAsync()
    {
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store, Options with { Executor = Executor.Processes(1) });
        supervisor.Register(All);
        await using FlowRun run = await supervisor.StartAsync(Flow.From(Copy(ResumeMode.FromScratch)).Resolve(),
            [IOVal.Of("line", "pid"), IOVal.Of("line", "hang")]);
        Console.WriteLine(await run.Output<string>("copy").FirstAsync());
        await run.Completion;
    }

    private static ProcessorFunctions Add(ProcessorFunctions functions)
    {
        Combined.AddTo(functions, "child");
        return functions;
    }

    /// <summary><c>die N</c>, <c>kill</c>, <c>throw TEXT</c>, <c>hang</c>, <c>once FILE VERB</c> only the first time; else
    /// nothing.</summary>
    private static async Task ObeyAsync(string line, CancellationToken cancellation)
    {
        if (line.StartsWith("once ", StringComparison.Ordinal))
        {
            string[] parts = line.Split(' ', 3);
            if (File.Exists(parts[1])) return;
            await File.WriteAllTextAsync(parts[1], "", cancellation);
            await ObeyAsync(parts[2], cancellation);
        }
        if (line.StartsWith("die ", StringComparison.Ordinal))
        {
            await Console.Error.WriteLineAsync("asked to die");
            Environment.Exit(int.Parse(line[4..], CultureInfo.InvariantCulture));
        }
        if (line == "kill") Process.GetCurrentProcess().Kill();
        if (line.StartsWith("throw ", StringComparison.Ordinal)) throw new FormatException(line[6..]);
        if (line == "wait") await Task.Delay(Timeout.Infinite, cancellation);
        if (line == "hang") Thread.Sleep(Timeout.Infinite);
    }

    /// <summary>The id of this process for <c>pid</c>, else the line itself.</summary>
    private static string Copied(string line) => line == "pid" ? $"{Environment.ProcessId}" : line;

    private static async Task TraceAsync(IO<string> line, IOWriter<string> trace, CancellationToken cancellation)
    {
        await foreach (string _ in line.StreamAsync(cancellation))
        {
            string parent = Activity.Current?.ParentSpanId.ToString() ?? "";
            using Activity own = new Activity("own").Start();
            await trace.WriteAsync($"{own.TraceId} {parent}", cancellation);
        }
    }

    private static async Task CopyAsync(IO<string> line, IOWriter<string> copy, CancellationToken cancellation)
    {
        await foreach (string one in line.StreamAsync(cancellation))
        {
            await copy.WriteAsync(Copied(one), cancellation);
            await ObeyAsync(one, cancellation);
        }
    }

    private static async Task CountAsync(IO<string> line, IOWriter<string> copy, Checkpoint<int> checkpoint, CancellationToken cancellation)
    {
        int count = checkpoint.Value;
        await foreach (string one in line.StreamAsync(cancellation))
        {
            await copy.WriteAsync($"{++count} {Copied(one)}", cancellation);
            await ObeyAsync(one, cancellation);
            if (count % 7 == 0) await checkpoint.SaveAsync(count, cancellation);
        }
    }

    /// <summary>Depends on the moment in all ways that are written down.</summary>
    private static async IAsyncEnumerable<IOVal> MixAsync(IO<string> a, IO<string> b, IO<string> c, TimeProvider time,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (string newest in c.StreamAsync(ReadFrom.Latest, cancellation))
        {
            yield return IOVal.Of("mixed", newest);
            break;
        }
        await foreach (var (name, value) in a.Merge([b], cancellation))
        {
            yield return IOVal.Of("mixed", $"{name} {value} {time.GetUtcNow().Ticks}");
            await ObeyAsync(value, cancellation);
        }
    }

    private static async Task PairAsync(IO<int> a, IO<int> b, IOWriter<string> pair, CancellationToken cancellation)
    {
        await foreach (var (left, right) in a.Zip(b, pad: true, cancellation)) await pair.WriteAsync($"{left}-{right}", cancellation);
    }

    private static async Task SplitAsync(IO<string> line, IOWriter<string> @long, IOWriter<string> @short, CancellationToken cancellation)
    {
        await foreach (string one in line.StreamAsync(cancellation)) await (one.Length > 3 ? @long : @short).WriteAsync(one, cancellation);
    }

    private static async Task<string> GreetAsync(IO<string> name, Greeting greeting, CancellationToken cancellation, string end = "!")
        => $"{greeting.Text} {await name.FirstAsync(cancellation)}{end}";

    /// <summary>Two loops side by side, one of which may stand still.</summary>
    private static async Task TwiceAsync(IO<int> a, IO<int> b, IOWriter<int> first, IOWriter<int> second, CancellationToken cancellation)
    {
        await Task.WhenAll(CopyFirstAsync(), CopySecondAsync());

        async Task CopyFirstAsync()
        {
            await foreach (int one in a.StreamAsync(cancellation)) await first.WriteAsync(one, cancellation);
        }

        async Task CopySecondAsync()
        {
            await foreach (int one in b.StreamAsync(cancellation)) await second.WriteAsync(one, cancellation);
        }
    }

    private static async IAsyncEnumerable<IOVal> LargeAsync(IO<int> size, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (int one in size.StreamAsync(cancellation)) yield return IOVal.Of("bytes", new byte[one]);
    }

    private static async IAsyncEnumerable<IOVal> TotalAsync(ProcessorContext context,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        int lines = 0;
        await foreach (string line in context.Input<string>("copy").StreamAsync(cancellation))
            if (++lines == 1) yield return IOVal.Of("first", $"{line} in {Environment.ProcessId}");
        yield return IOVal.Of("lines", lines);
    }

    private sealed class OneService(Greeting greeting) : ProcessorServices, IServiceProvider, IAsyncDisposable
    {
        public override bool Has(Type service) => service == typeof(Greeting);

        public override (IServiceProvider Services, IAsyncDisposable Lifetime) Open() => (this, this);

        public object? GetService(Type serviceType) => serviceType == typeof(Greeting) ? greeting : null;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

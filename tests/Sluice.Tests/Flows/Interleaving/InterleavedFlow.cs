using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A small flow that a seed decides, with the expected values of its streams. Its functions copy, sum up, zip or merge; one may
/// fail.</summary>
internal sealed class InterleavedFlow
{
    private static readonly TimeSpan Nap = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, ProcessorFunction> functions = new(StringComparer.Ordinal);
    private readonly TimeProvider clock;
    private readonly Random random;
    private readonly bool isSlow;
    private readonly string? unlucky;
    private int atWork;

    public InterleavedFlow(Random random, TimeProvider clock)
    {
        (this.random, this.clock) = (random, clock);
        isSlow = random.Next(4) == 0;
        int shape = random.Next(4);
        if (random.Next(3) == 0) unlucky = "abc"[random.Next(3)].ToString();
        foreach (string input in shape == 2 ? (string[])["n", "m"] : ["n"])
            Expected[input] = [("", [.. Enumerable.Range(0, random.Next(1, 7)).Select(i => $"{input}{i}")])];
        Processor[] processors = shape switch
        {
            0 => [Copy("a", "n", "x"), Copy("b", "x", "y"), Any("c", "y", "z")],
            1 => [Copy("a", "n", "x"), Any("b", "x", "y"), Any("c", "x", "z")],
            2 => [Copy("a", "n", "x"), Copy("b", "m", "y"), Both("c", "x", "y", "z")],
            _ => [Copy("a", "n", "x"), Copy("b", "x", "y"), Both("c", "x", "y", "z")],
        };
        var flow = Flow.From(processors);
        foreach (string stream in (string[])["x", "y", "z"])
            flow = flow.With(stream, new()
            {
                MaxItems = random.Next(3) == 0 ? 1_000 : random.Next(1, 4),
                Retention = random.Next(2) == 0
                ? Retention.All : Retention.UntilRead
            });
        Flow = flow.Resolve();
        Inputs = [.. Flow.Plan.FloatingInputs.SelectMany(input => Values(input).Select(value => IOVal.Of(input, value)))];
    }

    public Flow Flow { get; }

    public IOVal[] Inputs { get; }

    /// <summary>The expected values of each stream: for each kind of value, which has a prefix of its own, all values in order.</summary>
    public Dictionary<string, List<(string Begin, List<string> Values)>> Expected { get; } = new(StringComparer.Ordinal);

    /// <summary>The processor that fails; null if none does.</summary>
    public string? Failing => unlucky;

    /// <summary>A processor that ends with its shorter input, and may not see how the other input ends; null if there is none.</summary>
    public string? Zipping { get; private set; }

    /// <summary>How many functions are at work.</summary>
    public int AtWork => Volatile.Read(ref atWork);

    public void Register(Supervisor service, Bustle bustle)
    {
        foreach (Processor processor in Flow.Processors)
            service.Register(processor, (context, cancellation) =>
            {
                bustle.Mark();
                return functions[processor.Name](context, cancellation);
            });
    }

    public override string ToString() => string.Join("; ", Flow.Processors.Select(processor => $"{processor} {processor.Resume}"))
        + (unlucky is null ? "" : $"; {unlucky} fails");

    private List<string> Values(string stream) => Expected[stream].Single().Values;

    private Processor Any(string name, string input, string output)
        => random.Next(2) == 0 ? Copy(name, input, output) : Sum(name, input, output);

    private Processor Copy(string name, string input, string output)
    {
        ResumeMode resume = (ResumeMode)random.Next(3);
        string? bad = Bad(name, Values(input).Count, input);
        Expected[output] = [("", Values(input))];
        functions[name] = (context, cancellation) => Counted(CopyAsync(context, cancellation), cancellation);
        return new(name) { Inputs = [input], Outputs = [output], Resume = resume };

        async IAsyncEnumerable<IOVal> CopyAsync(ProcessorContext context, [EnumeratorCancellation] CancellationToken cancellation)
        {
            Checkpoint<int>? place = resume == ResumeMode.Checkpoint ? context.Checkpoint<int>() : null;
            int count = 0;
            await foreach (string value in context.Input<string>(input).StreamAsync(cancellation))
            {
                await LookAsync(value, bad, cancellation);
                yield return IOVal.Of(output, value);
                if (++count % 2 == 0 && place is not null) await place.SaveAsync(count, cancellation);
            }
        }
    }

    private Processor Sum(string name, string input, string output)
    {
        ResumeMode resume = random.Next(2) == 0 ? ResumeMode.FromScratch : ResumeMode.Checkpoint;
        bool wait = random.Next(2) == 0;
        string? bad = Bad(name, Values(input).Count, input);
        Expected[output] = [("", [string.Join("+", Values(input))])];
        functions[name] = (context, cancellation) => Counted(SumAsync(context, cancellation), cancellation);
        return new(name) { Inputs = [input], Outputs = [output], Resume = resume, Wait = wait };

        async IAsyncEnumerable<IOVal> SumAsync(ProcessorContext context, [EnumeratorCancellation] CancellationToken cancellation)
        {
            Checkpoint<string>? sum = resume == ResumeMode.Checkpoint ? context.Checkpoint<string>() : null;
            string text = sum?.Value ?? "";
            await foreach (string value in context.Input<string>(input).StreamAsync(cancellation))
            {
                await LookAsync(value, bad, cancellation);
                text += text.Length > 0 ? "+" + value : value;
                if (sum is not null) await sum.SaveAsync(text, cancellation);
            }
            yield return IOVal.Of(output, text);
        }
    }

    private Processor Both(string name, string first, string second, string output)
    {
        ResumeMode resume = random.Next(2) == 0 ? ResumeMode.FromScratch : ResumeMode.PerItem;
        bool isZip = random.Next(2) == 0;
        if (isZip) Zipping = name;
        string? bad = Bad(name, Math.Min(Values(first).Count, Values(second).Count), first);
        Expected[output] = isZip ? [("", [.. Values(first).Zip(Values(second), (left, right) => $"{left}/{right}")])]
            : [.. new[] { first, second }.Select(input => (input, Values(input).ConvertAll(value => input + value)))];
        functions[name] = (context, cancellation) => Counted(isZip ? ZipAsync(context, cancellation) : MergeAsync(context, cancellation),
            cancellation);
        return new(name) { Inputs = [first, second], Outputs = [output], Resume = resume };

        async IAsyncEnumerable<IOVal> ZipAsync(ProcessorContext context, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (var (left, right) in context.Input<string>(first).Zip(context.Input<string>(second), cancellation: cancellation))
            {
                await LookAsync(left!, bad, cancellation);
                yield return IOVal.Of(output, $"{left}/{right}");
            }
        }

        async IAsyncEnumerable<IOVal> MergeAsync(ProcessorContext context, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (var (from, value) in context.Input<string>(first).Merge([context.Input<string>(second)], cancellation))
            {
                if (from == first) await LookAsync(value, bad, cancellation);
                yield return IOVal.Of(output, from + value);
            }
        }
    }

    private string? Bad(string name, int count, string input) => name == unlucky ? Values(input)[random.Next(count)] : null;

    private async Task LookAsync(string value, string? bad, CancellationToken cancellation)
    {
        if (value == bad) throw new InvalidOperationException($"{value} is bad");
        if (isSlow && value.EndsWith('2')) await Task.Delay(Nap, clock, cancellation);
    }

    private async IAsyncEnumerable<IOVal> Counted(IAsyncEnumerable<IOVal> values, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Interlocked.Increment(ref atWork);
        try
        {
            await foreach (IOVal value in values.WithCancellation(cancellation)) yield return value;
        }
        finally
        {
            Interlocked.Decrement(ref atWork);
        }
    }
}

namespace Sluice;

/// <summary>A processor and what it does in this service.</summary>
/// <param name="Processor">The processor.</param>
/// <param name="Run">What it does.</param>
internal sealed record BoundFunction(Processor Processor, Func<ProcessorContext, Invocation, CancellationToken, Task> Run)
{
    /// <summary>The types of its streams, as far as they are known.</summary>
    public IReadOnlyDictionary<string, Type> Types { get; init; } = new Dictionary<string, Type>();

    /// <summary>The inputs that it reads; null if that is not known.</summary>
    public IReadOnlySet<string>? Reads { get; init; }

    public static BoundFunction Of(Processor processor, ProcessorFunction function)
        => new(processor, (context, invocation, cancellation) => PutOutAsync(function(context, cancellation), invocation, cancellation));

    public static async Task PutOutAsync(IAsyncEnumerable<IOVal> values, Invocation invocation, CancellationToken cancellation)
    {
        await foreach (IOVal value in values.WithCancellation(cancellation).ConfigureAwait(false)) await invocation.PutOutAsync(value, cancellation).ConfigureAwait(false);
    }

    public static async Task PutOutAsync(IEnumerable<IOVal> values, Invocation invocation, CancellationToken cancellation)
    {
        foreach (IOVal value in values) await invocation.PutOutAsync(value, cancellation).ConfigureAwait(false);
    }
}

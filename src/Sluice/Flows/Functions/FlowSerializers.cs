using System.Collections.Concurrent;

namespace Sluice;

/// <summary>The serializers of a run: what is signed holds in the stream that it was written to, and nowhere else.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class FlowSerializers(PayloadSerializers all, string run)
{
    private readonly ConcurrentDictionary<string, PayloadSerializers> known = new(StringComparer.Ordinal);

    /// <summary>Those of the values of a stream.</summary>
    public PayloadSerializers Of(string stream) => known.GetOrAdd(stream, static (name, of) => of.all.In(FlowNames.Values(of.run, name)), (all, run));

    /// <summary>Those of what a processor has saved.</summary>
    public PayloadSerializers OfState(string processor) => all.In($"{FlowNames.Journal(run)}/{processor}");
}

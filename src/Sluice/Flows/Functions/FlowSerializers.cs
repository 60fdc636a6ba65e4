using System.Collections.Concurrent;

namespace Sluice.Flows;

/// <summary>The serializers of a run, one per stream: a signed payload is valid only in the stream it was written to.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class FlowSerializers(PayloadSerializers all, string run)
{
    private readonly ConcurrentDictionary<string, PayloadSerializers> known = new(StringComparer.Ordinal);

    /// <summary>The serializers for the values of a stream.</summary>
    public PayloadSerializers Of(string stream) => known.GetOrAdd(stream, static (name, of) => of.all.In(FlowNames.Values(of.run, name)),
        (all, run));

    /// <summary>The serializers for the saved state of a processor.</summary>
    public PayloadSerializers OfState(string processor) => all.In($"{FlowNames.Journal(run)}/{processor}");
}

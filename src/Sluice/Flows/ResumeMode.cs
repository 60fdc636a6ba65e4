using System.Text.Json.Serialization;

namespace Sluice.Flows;

/// <summary>Where a processor resumes after its host has died or has handed it over.</summary>
/// <remarks>The journal of a run stores the names in the attributes, so the members can be renamed.</remarks>
public enum ResumeMode
{
    /// <summary>Resumes at the beginning of its inputs. The store keeps all inputs of the processor until it has ended.</summary>
    /// <remarks>
    /// Repeated output is compared with the stored output and not written twice, so the function must put out the same values for the same
    /// inputs. These choices are stored and replayed: the order of <c>Merge</c>, where <see cref="ReadFrom.Latest"/> and
    /// <see cref="ReadFrom.New"/> began, and the times read from an injected <see cref="TimeProvider"/>.
    /// </remarks>
    [JsonStringEnumMemberName("FromScratch")]
    FromScratch,

    /// <summary>Resumes after the last item that it has completely processed. The store keeps only unprocessed inputs.</summary>
    /// <remarks>
    /// An item ends when the function asks for the next one. One commit has the item's output and the position in the inputs.
    /// The function starts from its beginning, so it must not keep data between items. It may run one read loop at a time; use Zip or Merge
    /// for several streams.
    /// </remarks>
    [JsonStringEnumMemberName("PerItem")]
    PerItem,

    /// <summary>
    /// Resumes where it has last saved its state (<see cref="Checkpoint{TState}"/>). The store keeps the inputs since then.
    /// </summary>
    /// <remarks>
    /// One commit has the state, the output up to the checkpoint, and the position in the inputs. A function with a saved state is called
    /// again at once, before a further value comes: it may have work left of the last one.
    /// </remarks>
    [JsonStringEnumMemberName("Checkpoint")]
    Checkpoint,
}

/// <summary>Where a reader of a stream begins.</summary>
public enum ReadFrom
{
    /// <summary>At the first value.</summary>
    First,

    /// <summary>At the newest value in the stream; at the next value if the stream is empty.</summary>
    Latest,

    /// <summary>After the newest value in the stream.</summary>
    New,
}

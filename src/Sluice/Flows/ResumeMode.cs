using System.Text.Json.Serialization;

namespace Sluice;

/// <summary>From where a processor goes on when its host has died, or has handed it over.</summary>
/// <remarks>Run journals have the names in the attributes, whatever the code calls the members.</remarks>
public enum ResumeMode
{
    /// <summary>
    /// From the beginning of its inputs, which are kept until it ends. What it puts out again is compared with what it had put out, and not put out twice; so it must put out
    /// the same for the same inputs. The order of <c>Merge</c>, where <see cref="ReadFrom.Latest"/> and <see cref="ReadFrom.New"/> began and the readings of an injected
    /// <see cref="TimeProvider"/> are written down, and repeated. The store holds all inputs of a processor as long as it runs.
    /// </summary>
    [JsonStringEnumMemberName("FromScratch")]
    FromScratch,

    /// <summary>
    /// Behind the last item that it had completely processed: an item is when the function asks for the next. What it put out until then, and where it was, is one commit. The function begins anew, so
    /// it must not carry anything from one item to the next, and reads in one loop at a time (several streams by Zip or Merge). Keeps the store flat.
    /// </summary>
    [JsonStringEnumMemberName("PerItem")]
    PerItem,

    /// <summary>
    /// Where it has last saved its state (<see cref="Checkpoint{TState}"/>): state, what it put out until then, and where it was, are one commit. Keeps the store flat, if it saves often.
    /// </summary>
    [JsonStringEnumMemberName("Checkpoint")]
    Checkpoint,
}

/// <summary>Where reading a stream begins.</summary>
public enum ReadFrom
{
    /// <summary>At its first value.</summary>
    First,

    /// <summary>At the newest value that is there; at the first to come if there is none.</summary>
    Latest,

    /// <summary>Behind what is there.</summary>
    New,
}

namespace Sluice.Storage;

/// <summary>
/// A run of a producer has ended because another run of its name has begun since, perhaps in another process. The other run goes on behind
/// the items that were accepted from this one: no item is lost, and none is accepted twice.
/// </summary>
public sealed class ProducerSupersededException : SluiceException
{
    /// <summary>Creates an exception without a message.</summary>
    public ProducerSupersededException() { }

    /// <summary>Creates an exception.</summary>
    /// <param name="message">The name of the producer and the remedy.</param>
    public ProducerSupersededException(string message) : base(message) { }

    /// <summary>Creates an exception with a cause.</summary>
    /// <param name="message">The name of the producer and the remedy.</param>
    /// <param name="inner">The cause.</param>
    public ProducerSupersededException(string message, Exception inner) : base(message, inner) { }

    /// <summary>The name of the producer.</summary>
    public string Producer { get; init; } = "";
}

namespace Sluice.Hosting;

/// <summary>A sink of a consecutor cannot open its file or its database, or does not find there what it has committed.</summary>
internal sealed class SinkNotOpenedException(string message, PipelineException cause) : SluiceException(message, cause)
{
    /// <summary>Returns the message only. A host writes all of it: a file that was moved away needs no stack trace.</summary>
    public override string ToString() => Message;
}

namespace Sluice.Storage;

/// <summary>
/// Another member is alive under this member's name: in another process, or in this one over another store object. Of two members with one
/// name, the second is refused.
/// </summary>
public sealed class MemberInUseException : SluiceException
{
    /// <summary>Creates an exception without a message.</summary>
    public MemberInUseException() { }

    /// <summary>Creates an exception.</summary>
    /// <param name="message">The name and the remedy.</param>
    public MemberInUseException(string message) : base(message) { }

    /// <summary>Creates an exception with a cause.</summary>
    /// <param name="message">The name and the remedy.</param>
    /// <param name="inner">The cause.</param>
    public MemberInUseException(string message, Exception inner) : base(message, inner) { }

    /// <summary>The name of the member.</summary>
    public string Member { get; init; } = "";
}

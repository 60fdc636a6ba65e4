namespace Sluice;

/// <summary>Another process is alive under the name of this member: of two members with one name, the second is refused.</summary>
public sealed class MemberInUseException : SluiceException
{
    /// <summary>Makes one without a message.</summary>
    public MemberInUseException() { }

    /// <summary>Makes one.</summary>
    /// <param name="message">Which name, and what to do.</param>
    public MemberInUseException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">Which name, and what to do.</param>
    /// <param name="inner">The cause.</param>
    public MemberInUseException(string message, Exception inner) : base(message, inner) { }

    /// <summary>The name.</summary>
    public string Member { get; init; } = "";
}

namespace Sluice.Hosting;

/// <summary>Settings of the section <c>Sluice</c> are wrong. The message has a line for each: its path, its value, and what it must
/// be.</summary>
public sealed class SettingsException : SluiceException
{
    internal SettingsException(IReadOnlyList<string> mistakes) : base(string.Join('\n', mistakes)) => Mistakes = mistakes;

    /// <summary>What is wrong, a line for each setting.</summary>
    public IReadOnlyList<string> Mistakes { get; }

    /// <summary>Returns the message only. A stack trace would show where the host has read the settings, which does not help to correct
    /// them.</summary>
    public override string ToString() => Message;
}

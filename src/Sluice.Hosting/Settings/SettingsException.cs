namespace Sluice.Hosting;

/// <summary>Settings of the section <c>Sluice</c> are wrong. The message has a line for each: its path, its value, and what it must
/// be.</summary>
public sealed class SettingsException : SluiceException
{
    internal SettingsException(IReadOnlyList<string> mistakes) : base(string.Join('\n', mistakes)) => Mistakes = mistakes;

    /// <summary>What is wrong, a line for each setting.</summary>
    public IReadOnlyList<string> Mistakes { get; }

    /// <summary>Returns the message only: where the code has read the settings helps nobody who has to correct them.</summary>
    public override string ToString() => Message;
}

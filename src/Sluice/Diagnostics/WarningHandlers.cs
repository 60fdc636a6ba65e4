namespace Sluice.Diagnostics;

/// <summary>Passes warnings on, for packages that extend Sluice, such as stores. Thread-safe.</summary>
public static class WarningHandlers
{
    /// <summary>
    /// Passes a warning to a handler, such as an <c>OnWarning</c> option. Without a handler, or if it throws, the warning goes to the event
    /// source <c>Sluice</c> and, each text once, to standard error. Never throws.
    /// </summary>
    /// <param name="onWarning">The handler; null for none.</param>
    /// <param name="text">The warning. It must not have secrets.</param>
    public static void Tell(Action<string>? onWarning, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Warnings.Tell(onWarning, text);
    }
}

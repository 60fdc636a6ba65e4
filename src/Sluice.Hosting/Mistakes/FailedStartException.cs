namespace Sluice.Hosting;

/// <summary>A unit has failed for good while the host started, and has stopped the host.</summary>
/// <remarks>The log has the failure with its stack trace, too.</remarks>
/// <param name="message">The unit, and why it has failed.</param>
/// <param name="cause">The failure.</param>
internal sealed class FailedStartException(string message, Exception cause) : SluiceException(message, cause);

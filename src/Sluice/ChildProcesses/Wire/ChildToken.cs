using System.Security.Cryptography;

namespace Sluice.ChildProcesses;

/// <summary>
/// The token of a new child: the socket to connect to, and a secret. It travels in the environment, which other users cannot read.
/// </summary>
internal sealed record ChildToken(string Socket, byte[] Secret, int MaxPayloadBytes)
{
    public const int SecretBytes = 32;

    private const int HeadLength = (2 * SecretBytes) + 8;

    /// <summary>The version of the protocol that the child speaks with its parent.</summary>
    public long Version { get; init; } = ProtocolVersion.Newest;

    public static ChildToken To(string socket, int maxPayloadBytes)
        => new(socket, RandomNumberGenerator.GetBytes(SecretBytes), maxPayloadBytes);

    /// <summary>Takes the token out of the environment, so that this process's own children do not inherit it.</summary>
    /// <param name="variable">The environment variable of the token.</param>
    /// <returns>The token; null if there is none.</returns>
    /// <exception cref="InvalidOperationException">The parent speaks no version of the protocol that this library speaks.</exception>
    public static ChildToken? Take(string variable)
    {
        string? text = Environment.GetEnvironmentVariable(variable);
        if (text is null || text.Length <= HeadLength) return null;
        Environment.SetEnvironmentVariable(variable, null);
        string? parents = Environment.GetEnvironmentVariable(ProtocolVersion.Variable);
        Environment.SetEnvironmentVariable(ProtocolVersion.Variable, null);
        return new(text[HeadLength..], Convert.FromHexString(text.AsSpan(0, 2 * SecretBytes)),
            int.Parse(text.AsSpan(2 * SecretBytes, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture))
        { Version = ProtocolVersion.Choose(parents) };
    }

    /// <summary>The form of the token in the environment.</summary>
    public string Text => $"{Convert.ToHexString(Secret)}{MaxPayloadBytes:X8}{Socket}";

    public bool IsFor(ReadOnlySpan<byte> secret) => CryptographicOperations.FixedTimeEquals(Secret, secret);

    /// <summary>The socket only, never the secret.</summary>
    public override string ToString() => Socket;
}

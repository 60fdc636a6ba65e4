using System.Security.Cryptography;

namespace Sluice.Processes;

/// <summary>
/// The token of a new worker: the socket to connect to, and a secret. It travels in the environment, which other users cannot read.
/// </summary>
internal sealed record WorkerToken(string Socket, byte[] Token, int MaxItemBytes)
{
    /// <summary>The first argument of a worker; the name of its body follows.</summary>
    public const string Argument = "--sluice-worker";

    /// <summary>The environment variable for the workers of a pipeline's stage.</summary>
    public const string Variable = "SLUICE_WORKER";

    public const int TokenBytes = 32;

    private const int HeadLength = (2 * TokenBytes) + 8;

    public static WorkerToken To(string socket, int maxItemBytes) => new(socket, RandomNumberGenerator.GetBytes(TokenBytes), maxItemBytes);

    /// <summary>Whether this process was started as a worker and has not taken its token.</summary>
    public static bool IsWaiting => Environment.GetEnvironmentVariable(Variable) is not null;

    /// <summary>Takes the token out of the environment, so that this process's own children do not inherit it.</summary>
    /// <returns>The token; null if there is none.</returns>
    public static WorkerToken? Take(string variable = Variable)
    {
        string? text = Environment.GetEnvironmentVariable(variable);
        if (text is null || text.Length <= HeadLength) return null;
        Environment.SetEnvironmentVariable(variable, null);
        return new(text[HeadLength..], Convert.FromHexString(text.AsSpan(0, 2 * TokenBytes)),
            int.Parse(text.AsSpan(2 * TokenBytes, 8), System.Globalization.NumberStyles.HexNumber,
                System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>The form of the token in the environment.</summary>
    public string Text => $"{Convert.ToHexString(Token)}{MaxItemBytes:X8}{Socket}";

    public bool IsFor(ReadOnlySpan<byte> token) => CryptographicOperations.FixedTimeEquals(Token, token);

    /// <summary>The socket only, never the secret.</summary>
    public override string ToString() => Socket;
}

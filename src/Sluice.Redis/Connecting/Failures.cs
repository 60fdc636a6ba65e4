using System.Net.Sockets;

namespace Sluice.Redis;

/// <summary>Converts failures of the client and the scripts to exceptions for users. None shows the password.</summary>
internal static class Failures
{
    // A server that loads data, is busy, or is a replica, as during a failover;
    // or a server of a cluster that moves the slot, or sees too few other servers.
    private static readonly string[] Passing = ["LOADING", "BUSY", "READONLY", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN"];

    /// <summary>
    /// Whether the failure may be temporary: no connection (or one that was replaced during the call), or a server that cannot execute the
    /// call now.
    /// </summary>
    public static bool MayPass(Exception failure)
        => failure is RedisConnectionException or TimeoutException or ObjectDisposedException or NoMasterException
        || (failure is RedisServerException server && (IsElsewhere(server.Message)
        || Array.Exists(Passing, word => server.Message.StartsWith(word, StringComparison.Ordinal))));

    /// <summary>
    /// Whether the client failed because its connection was closed during the call. Clients cancel such calls, or let out what their
    /// reading of the socket throws.
    /// </summary>
    public static bool IsOfClosed(Exception failure, CancellationToken cancellation)
        => failure is InvalidOperationException or IOException or SocketException
        || (failure is OperationCanceledException && !cancellation.IsCancellationRequested);

    // MOVED and ASK. The client replaces both by the same text of its own.
    private static bool IsElsewhere(string message)
        => message.StartsWith("MOVED ", StringComparison.Ordinal) || message.StartsWith("ASK ", StringComparison.Ordinal)
        || (message.StartsWith("Endpoint ", StringComparison.Ordinal) && message.Contains(" serving hashslot ", StringComparison.Ordinal));

    /// <summary>Whether the server may have executed the call: false only if it was never sent.</summary>
    public static bool MayHaveRun(Exception failure)
        => failure is TimeoutException or ObjectDisposedException
        || (failure is RedisConnectionException connection
        && connection.FailureType != ConnectionFailureType.UnableToResolvePhysicalConnection);

    /// <summary>Whether a function was not executed because this run of the server lacks the library, or is not clean.</summary>
    public static bool IsUnprepared(RedisServerException failure, out bool lacksLibrary)
    {
        lacksLibrary = failure.Message.StartsWith("ERR Function not found", StringComparison.Ordinal);
        return lacksLibrary || failure.Message.StartsWith("SLUICE UNCLEAN", StringComparison.Ordinal);
    }

    /// <summary>Whether the server refused because its memory is full.</summary>
    public static bool IsFull(RedisServerException failure) => failure.Message.StartsWith("OOM ", StringComparison.Ordinal);

    /// <summary>The words with which a server refused a call; empty if it did not answer.</summary>
    public static string Words(Exception? failure)
        => failure is RedisServerException { Message: var message } ? message.Split(" script: ")[0].Trim() : "";

    /// <summary>Returns the permanent failure in the client's connection log; null if there is none.</summary>
    public static StreamStoreException? Refused(ServerAddress address, string log)
    {
        bool Says(string word) => log.Contains(word, StringComparison.OrdinalIgnoreCase);
        if (Says("NOAUTH") || Says("WRONGPASS") || Says("invalid password") || (Says("AuthenticationFailure") && !address.Options.Ssl))
            return WantsPassword(address);
        return Says("AuthenticationFailure")
            ? new($"The certificate of the server at {address} was refused, or it wants another password: trust the authority that made "
            + $"the certificate (SSL_CERT_FILE), give its name (sslHost=…), or judge it yourself "
            + $"(RedisStoreOptions.CertificateValidation).")
            : null;
    }

    public static StreamStoreException NotThere(ServerAddress address)
        => new($"No Redis server answers at {address}: is it running, and is that its "
        + $"address, and does it {(address.Options.Ssl ? "speak" : "want")} TLS there (ssl=true)?");

    public static StreamStoreException Other(ServerAddress address)
        => new($"Something answers at {address}, but it does not speak Redis's protocol: is that the server's "
        + $"address{(address.Options.Ssl ? "" : ", and does it want TLS (ssl=true)")}?")
        { IsPermanent = true };

    /// <summary>The error for the first process of a version on a server that has no memory for its functions.</summary>
    public static StreamStoreException LacksLibrary(ServerAddress address, Exception failure)
        => new($"The Redis server at {address} is full (maxmemory), and lacks the functions of this version of Sluice: they cannot "
            + "be loaded, and nothing was written. Give it more memory, or let processes of the version before settle what is there.",
            failure);

    /// <summary>The error for a look at a store that does not exist.</summary>
    public static StreamStoreException NoStore(ServerAddress address, string prefix)
        => new($"There is no store with the prefix '{prefix}' at {address}: is that its server, its database (defaultDatabase=…) and its "
            + "prefix (prefix=…)? A service makes the store when it opens it.")
        { IsPermanent = true };

    /// <summary>The error for a store that was loaded in part.</summary>
    public static StreamStoreException Torn(ServerAddress address, string meta, string other)
        => new($"The store at {address} is torn: its key {meta} is missing or empty, and other keys of the store, such as {other}, are "
            + "there. Nothing was written. The append-only file of the server may still have everything: copy the file before anything "
            + "else, then look for NOPERM in the log of the server (docs/operations/redis.md has a section for this).");

    /// <summary>The error for a server that copies another one.</summary>
    public static StreamStoreException Replica(ServerAddress address, Exception? failure = null)
        => new($"The Redis server at {address} is a replica: connect to the master.", failure);

    /// <summary>The error for a login that has failed.</summary>
    public static StreamStoreException WantsPassword(ServerAddress address)
        => new($"The server at {address} wants a password, or another one: give it in the connection string (password=…, with user=… for a "
        + "user of the server's ACL).");

    /// <summary>The error for a cluster whose servers the client reaches over TLS, but not the store.</summary>
    public static StreamStoreException WantsCertificates(ServerAddress address, Exception failure)
        => new($"The server at {address} is part of a Redis Cluster, and the store could not ask it over TLS where its keys are: "
            + $"{failure.Message} Events of ConfigurationOptions judge and select certificates for the client only. Use "
            + $"RedisStoreOptions.CertificateValidation and CertificateSelection, or ConfigurationOptions.SslClientAuthenticationOptions.",
            failure)
        { IsPermanent = true };

    /// <summary>Returns the exception to throw instead; null if the failure is not the server's.</summary>
    public static Exception? Explain(Exception failure, ServerAddress address, bool mayHaveRun = false) => failure switch
    {
        RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } => WantsPassword(address),
        RedisConnectionException or TimeoutException or ObjectDisposedException => new StreamStoreException(
            $"The Redis server at {address} does not "
                + $"answer{(mayHaveRun ? ": what was asked may have been done or not. Repeat it" : ". Nothing was done")}.", failure),
        NoMasterException none => new StreamStoreException($"{none.Message} Nothing was done.", none),
        RedisServerException server => Explain(server.Message, address, server),
        RedisCommandException command => new StreamStoreException($"The Redis server at {address} cannot be used so: {command.Message}",
            command),
        _ => null,
    };

    /// <summary>The error for a server that may delete the store's keys.</summary>
    public static StreamStoreException Evicts(ServerAddress address, string policy) => new(
        $"The server at {address} deletes keys when its memory is full (maxmemory-policy {policy}), acknowledged entries too. Set "
            + "maxmemory-policy noeviction, or accept the loss (RedisStoreOptions.AllowEviction, or allowEviction=true in the connection "
            + "string).")
    { IsPermanent = true };

    private static StreamStoreException Explain(string message, ServerAddress address, RedisServerException failure)
        => message.Split(' ')[0] switch
        {
            "NOAUTH" or "WRONGPASS" => WantsPassword(address),
            "OOM" => new(
                $"The Redis server at {address} is full (maxmemory): nothing was written. Give it more memory, or let the consumers settle "
                    + $"what is there. Its maxmemory-policy must be noeviction.", failure),
            "NOPERM" => new($"The user may not do this on the Redis server at {address}: {message}", failure),
            "READONLY" => Replica(address, failure),
            "MISCONF" => new($"The Redis server at {address} cannot write to its disk and refuses writes: {message}", failure),
            _ when IsElsewhere(message) || message.StartsWith("TRYAGAIN", StringComparison.Ordinal) => new(
                $"The slot of the store is being moved to another server of the Redis Cluster at {address}, or has just been: nothing was "
                    + $"done. Try again when that is over.", failure),
            "CLUSTERDOWN" => new($"The Redis Cluster at {address} is down, or no node has the store's slot: nothing changed. ({message})",
                failure),
            "LOADING" => new($"The Redis server at {address} still loads its data: try again.", failure),
            // A read-only function that fails on the stored data will fail again.
            _ when message.StartsWith("ERR user_function:", StringComparison.Ordinal)
                && message.Contains("script: sluice_read_", StringComparison.Ordinal) => new(
                $"What is stored on the Redis server at {address} cannot be read: another program has changed keys of Sluice's, or it is a "
                    + $"defect. Restore a backup; CheckAsync lists what is damaged. ({message})", failure)
                { IsPermanent = true },
            _ => new($"The Redis server at {address} refused a script: {message}", failure),
        };

    /// <summary>Returns the words of a script's refusal; null for other failures.</summary>
    public static string[]? Refusal(Exception failure)
    {
        if (failure is not RedisServerException { Message: var message } || !message.StartsWith("SLUICE ", StringComparison.Ordinal))
            return null;
        int end = message.IndexOf(" script: ", StringComparison.Ordinal);
        return message["SLUICE ".Length..(end < 0 ? message.Length : end)].Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    private static ArgumentOutOfRangeException NoPartition(long partition, string stream, long partitions)
        => new(nameof(partition), partition, $"The stream {stream} has the partitions 0 to {partitions - 1}.");

    /// <summary>Returns the exception for a refusal.</summary>
    public static Exception Refused(string[] words, ServerAddress address)
    {
        string Name(int at) => Names.Decode(words[at]);
        long Number(int at) => long.Parse(words[at], CultureInfo.InvariantCulture);
        switch (words[0])
        {
            case "NOSTREAM":
                return new StreamStoreException($"There is no stream {Name(1)} in this store: open it first (OpenStreamAsync).")
                {
                    Stream =
                    Name(1)
                };
            case "NOGROUP":
                return new StreamStoreException($"There is no group {Name(1)} on the stream {Name(2)}: add it first (AddGroupAsync).")
                {
                    Stream = Name(2)
                };
            case "NOPARTITION":
                return NoPartition(Number(1), Name(3), Number(2));
            case "BACKOWNER":
                return new StoreRolledBackException(
                    $"{new GroupId(Name(5), Name(4))}/{words[3]}, epoch {words[2]} was taken, but the store knows the epoch {words[1]} "
                        + $"only: it has lost writes.")
                { Stream = Name(5), Partition = (int)Number(3) };
            case "BACKCURSOR":
                return new StoreRolledBackException(
                    $"A reader was to be moved to {Name(4)}/{words[3]}/{words[2]}, but the last entry is {words[1]}: the store has lost "
                        + $"writes.")
                { Stream = Name(4), Partition = (int)Number(3), Sequence = Number(2) };
            case "BACKQUARANTINE":
                return new StoreRolledBackException(
                    $"The quarantine was taken with a higher epoch, the store knows {words[1]} only: it has lost writes.");
            case "DAMAGED":
                return new StreamStoreException(
                    $"{Name(3)}/{words[1]}/{words[2]} is not in the store although it should be: another program has deleted keys of "
                        + $"Sluice's at {address}, or it is a defect. Restore a backup.")
                { Stream = Name(3), Partition = (int)Number(1), Sequence = Number(2), IsPermanent = true };
            case "BROKEN":
                (string? stream, int? partition) = (words[3] == "*" ? null : Name(3),
                    int.TryParse(words[4], CultureInfo.InvariantCulture, out int number) ? number : null);
                return new StreamStoreException(
                    $"What is stored{(stream is null ? "" : $" for {stream}{(partition is null ? "" : $"/{partition}")}")} at {address} "
                        + $"is damaged: {(words[2] == "*" ? "" : $"{Name(2)} of ")}the key {words[1]} is missing, or has a form that "
                        + $"Sluice does not write"
                    + $"{(words.Length > 5 ? $" ({string.Join(' ', words[5..])})" : "")}. Somebody has changed keys of Sluice's, or it is "
                    + $"a defect. Restore a backup; CheckAsync lists what is damaged.")
                { Stream = stream, Partition = partition, IsPermanent = true };
            case "TOOMANY":
                return new StreamStoreException(
                    $"The stream {Name(2)} has {words[1]} groups and readers, and can have no more: remove groups, close readers, or let "
                        + $"readers expire (ReaderOptions.IdleTimeout).")
                { Stream = Name(2), IsPermanent = true };
            case "TOOMANYOUTPUTS":
                return new StreamStoreException(
                    $"An owner of a partition of {Name(2)} keeps places in {words[1]} streams, and can have them in no more: let fewer "
                        + $"outputs wait for room.")
                { Stream = Name(2), IsPermanent = true };
            case "GONE":
                return new StoreRolledBackException(
                    $"The store at {address} is not the one that was opened: everything in it was deleted since (FLUSHALL, FLUSHDB), or "
                        + $"the server was put in place of another one.");
            default:
                return new StreamStoreException($"A script on {address} refused: {string.Join(' ', words)}.");
        }
    }
}

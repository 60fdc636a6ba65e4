using System.Globalization;
using System.Text.Json;

namespace Sluice.FlowTorture;

/// <summary>What a service is to do, one life of it.</summary>
/// <param name="Name">What the others know it by.</param>
/// <param name="Server">The address of the server (<see cref="FlowTorture.Server.Address"/>).</param>
/// <param name="Prefix">The name of the run, by which its store differs from others.</param>
/// <param name="Hosts">The processors that it hosts.</param>
/// <param name="LeaseTime">How long it may be silent.</param>
/// <param name="Patience">How long the server may.</param>
/// <param name="CarriesOver">Whether one of its functions does what it must not.</param>
/// <param name="Skew">How far the clock of its host is off.</param>
internal sealed record ServiceOptions(string Name, string Server, string Prefix, string[] Hosts, TimeSpan LeaseTime, TimeSpan Patience,
    bool CarriesOver, TimeSpan Skew);

/// <summary>The command line, understood.</summary>
internal sealed record FlowTortureOptions
{
    public const string Usage =
        "usage: --runs N --seed S [--store redis|postgres] "
            + "[--items M] [--kills K] [--jobs J] [--patience SECONDS] [--troubles] [--server disk|pair] "
            + "[--known] [--break carry-over]";

    /// <summary>How many runs of the flow there are; the seed of each is one more than that of the one before.</summary>
    public int Runs { get; init; } = 20;

    public ulong Seed { get; init; } = 1;

    /// <summary>The kind of server that has the stores.</summary>
    public string Store { get; init; } = Server.Names[0];

    /// <summary>How many values the flow begins with.</summary>
    public int Items { get; init; } = 300;

    /// <summary>How often each service is killed at most.</summary>
    public int Kills { get; init; } = 1_000_000;

    /// <summary>How many runs there are side by side, each with three services.</summary>
    public int Jobs { get; init; } = 3;

    /// <summary>Whether a function that resumes per item carries something from one item to the next: then what comes out of a disturbed
    /// run is something else.</summary>
    public bool CarriesOver { get; init; }

    /// <summary>
    /// Whether the clocks of the services are off, their processes are stopped for longer than their leases, and the server freezes now and
    /// then.
    /// </summary>
    public bool HasTroubles { get; init; }

    /// <summary>With PostgreSQL and troubles: <c>disk</c> for a server whose disk is filled and freed instead of being frozen, <c>pair</c>
    /// for one that is killed and followed by its standby instead; null for an ordinary server.</summary>
    public string? ServerKind { get; init; }

    /// <summary>Whether results are compared with the computed ones instead of those of an undisturbed run, which takes three
    /// processes.</summary>
    public bool IsKnown { get; init; }

    /// <summary>If this process is one of the services.</summary>
    public ServiceOptions? Service { get; init; }

    /// <summary>For how long nothing may come out of a run that is not at its end, and a server may not answer; a machine that is busy with
    /// other things needs more.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);

    /// <exception cref="FormatException">It cannot be understood; says why.</exception>
    public static FlowTortureOptions Parse(string[] args)
    {
        var options = new FlowTortureOptions();
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            options = name switch
            {
                "--runs" => options with { Runs = (int)Number(1, 1_000_000) },
                "--seed" => options with { Seed = Number(0, ulong.MaxValue) },
                "--store" => options with
                {
                    Store = Word() is var store && Server.Names.Contains(store) ? store
                    : throw new FormatException($"--store takes {string.Join(" or ", Server.Names)}, not '{store}'")
                },
                "--items" => options with { Items = (int)Number(10, 1_000_000) },
                "--kills" => options with { Kills = (int)Number(1, 1_000_000) },
                "--jobs" => options with { Jobs = (int)Number(1, 64) },
                "--patience" => options with { Patience = TimeSpan.FromSeconds(Number(1, 3600)) },
                "--known" => options with { IsKnown = true },
                "--troubles" => options with { HasTroubles = true },
                "--server" => options with
                {
                    ServerKind = Word() is ServerHandle.Disk or ServerHandle.Pair ? args[i]
                    : throw new FormatException("--server takes disk or pair")
                },
                "--break" => options with
                {
                    CarriesOver = Word() == "carry-over" ? true
                    : throw new FormatException("--break takes carry-over")
                },
                "--service" => options with { Service = JsonSerializer.Deserialize<ServiceOptions>(Word()) },
                _ => throw new FormatException($"unknown option '{name}'"),
            };

            string Word() => ++i < args.Length ? args[i] : throw new FormatException($"{name} takes a value");

            ulong Number(ulong least, ulong most)
                => ulong.TryParse(Word(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number >= least
                && number <= most
                    ? number
                    : throw new FormatException($"{name} takes a whole number from {least} to {most}, not '{args[i]}'");
        }
        if (options is { ServerKind: not null, HasTroubles: false } || (options.ServerKind is not null && options.Store == Server.Names[0]))
            throw new FormatException("--server needs --store postgres and --troubles");
        return options;
    }

    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture,
        $"--runs {Runs} --seed {Seed}{(Store == Server.Names[0] ? "" : $" --store {Store}")} --items {Items} "
            + $"--kills {Kills}{(HasTroubles ? " --troubles" : "")}"
            + $"{(ServerKind is { } kind ? $" --server {kind}" : "")}{(IsKnown ? " --known" : "")}"
            + $"{(CarriesOver ? " --break carry-over" : "")}");
}

using System.Text.RegularExpressions;
using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>
/// The persisted form of a store on Redis: keys, their fields, error codes and function names. Renames in the code must not change them.
/// </summary>
public partial class PersistedFormTests
{
    [Fact]
    public void KeysKeepTheirNames()
        => Assert.Equal(
            "b: bt: changes d: dn: due: e: f: g: h: i: l: m: none p: pf: q: r: rx: s: si: st: streams trash v: x: xi: xo: xs: y:",
            string.Join(' ', KeyName().Matches(Script.Library).Select(static match
                => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)));

    [Fact]
    public void TheStoreKeepsItsMetaFieldsAndItsFormatVersion()
    {
        Assert.Contains("redis.call('HMGET', KEYS[1], 'id', 'generation', 'time', 'form')", Script.Library, StringComparison.Ordinal);
        Assert.Contains("redis.call('HSET', KEYS[1], 'id', ARGV[1], 'generation', 1, 'form', 4)", Script.Library,
            StringComparison.Ordinal);
        Assert.Contains("call('HMGET', META, 'id', 'generation', 'time', 'clean', 'shift')", Script.Library, StringComparison.Ordinal);
        Assert.Equal("sluice", new RedisStoreOptions().Prefix);
        Assert.Equal("{\"a%2Fb%20c\"}", $"{{\"{Names.Encode("a/b c")}\"}}");
    }

    [Fact]
    public void FieldsOfStreamsAndPartitionsKeepTheirOrder()
    {
        Assert.Contains(
            "local NUMBERS = { 'partitions', 'items', 'bytes', 'entry', 'made', 'reservedItems', 'reservedBytes', "
            + "'storedItems', 'storedBytes', 'appended', 'consumers', 'untrimmed' }",
            Script.Library, StringComparison.Ordinal);
        Assert.Contains(
            "local MARKS = { 'rows', 'flight', 'ranges', 'epoch', 'version', 'knows', 'dispatched', 'done', "
            + "'commit', 'commitEpoch', 'own', 'rowBytes', 'taking', 'digest' }",
            Script.Library, StringComparison.Ordinal);
        Assert.Equal(("C", "Fwhy"), (Infos.Write(StreamEnd.Complete), Infos.Write(new("why"))));
        Assert.Equal("01000000", Convert.ToHexString(StateBytes.Write(new("n", "k", 1, new byte[] { 9 })).Span[..4]));
    }

    [Fact]
    public void ErrorCodesKeepTheirWords()
        => Assert.Equal(
            "BACKCURSOR BACKOWNER BACKPRODUCER BACKQUARANTINE BROKEN DAMAGED GONE NOGROUP "
            + "NOPARTITION NOSTREAM REMADE TOOLONG TOOMANY TOOMANYOUTPUTS UNCLEAN",
            string.Join(' ', Refusal().Matches(Script.Library).Select(static match
                => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)));

    /// <summary>
    /// The names of the library and its functions end with a hash of its text, so that several versions can share a server.
    /// </summary>
    [Fact]
    public void ServerFunctionsKeepTheirNames()
    {
        Match library = LibraryName().Match(Script.Library);
        Assert.True(library.Success, Script.Library[..40]);
        string version = library.Groups[1].Value;
        Assert.Equal(
            "add_group append append_anyway beat close_reader commit delete_dead delete_stream end_stream find_group find_stream find_time "
            + "lease leave list_dead list_files list_heads list_state list_state_nodes list_streams list_waiting move_reader "
            + "open_producer open_reader open_store open_stream pause_group raise_generation read "
            + "read_state redrive release release_quarantine remove_group reserve sweep_trash take take_more take_quarantine touch verify",
            string.Join(' ', FunctionName().Matches(Script.Library).Select(static match
                => match.Groups[1].Value).Order(StringComparer.Ordinal)));
        Assert.Equal($"sluice_commit_{version}", Script.Named("commit").Function);
    }

    [GeneratedRegex("K \\.\\. '([a-z]+:?)")]
    private static partial Regex KeyName();

    [GeneratedRegex("fail\\('([A-Z]+)'")]
    private static partial Regex Refusal();

    [GeneratedRegex("^#!lua name=sluice_([0-9a-f]{16})\n")]
    private static partial Regex LibraryName();

    [GeneratedRegex("^add(?:Bare)?\\('sluice_([a-z_]+)_[0-9a-f]{16}'", RegexOptions.Multiline)]
    private static partial Regex FunctionName();
}
